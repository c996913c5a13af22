"""What was changed on a system, and whether it could have caused what is seen: text rules only, no I/O."""
