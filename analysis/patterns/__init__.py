"""Known shapes of trouble: each with the evidence it needs, as data over findings, states and changes."""
