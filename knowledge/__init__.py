"""Past resolutions and runbooks."""
