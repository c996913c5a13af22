"""Alerts in: normalisers, inbox, deduplication, correlation, watcher."""
