"""Log lines as templates: mined, counted, compared."""
