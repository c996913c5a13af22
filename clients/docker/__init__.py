"""The Docker Engine: what Quell may ask of it, containers as an actuator and a log source, and what it runs."""
