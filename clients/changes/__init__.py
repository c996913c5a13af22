"""Sources of changes: local git repositories and files of events."""
