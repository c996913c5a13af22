"""Prometheus, and whatever speaks its HTTP API, behind the metrics port."""
