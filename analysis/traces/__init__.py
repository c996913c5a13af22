"""Spans as operations and calls: who calls whom, who is slow or failing by itself."""
