"""What agents may call: read-only queries, guarded actions, and the inventory they name."""
