"""What users can ask of Quell, declared once: the command line, the API and its client all come from here."""
