"""Log templates: grouping accuracy on loghub's systems and lines per second beside drain3; severity and category."""
