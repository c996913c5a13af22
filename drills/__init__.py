"""Game days: the shop, faults, scenarios, scoreboard."""
