"""The language models as agents get them: priced, capped, counted, and bound by the data policy."""
