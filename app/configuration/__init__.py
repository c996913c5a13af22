"""Where each value of the configuration comes from, and what is wrong with it, apart from what the settings are."""
