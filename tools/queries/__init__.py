"""Read-only questions about the system, one a file; registered in `tools.registry`."""
