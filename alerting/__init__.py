"""Notices out: channels and the outbox."""
