"""Wiring, settings, server and command line."""
