"""Loki behind the log port, with live lines over WebSocket."""
