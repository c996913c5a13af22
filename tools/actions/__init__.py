"""Actions with side effects, one a file; registered in `tools.registry`."""
