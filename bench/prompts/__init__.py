"""How many tokens models are shown, however much stands behind the tools."""
