"""The patient: six plain web services, each a process of its own. Nothing in here knows of faults or of Quell."""
