"""The HTTP API: operations as routes, the webhook, health, and what stands before all of them."""
