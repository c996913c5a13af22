"""What the ladder makes of models that err: accuracy, how often the frontier is asked, and what that costs."""
