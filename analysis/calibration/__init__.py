"""From what is known of a first hypothesis to the probability that it is right: fitted, measured, refitted."""
