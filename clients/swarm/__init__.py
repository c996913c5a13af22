"""Docker Swarm services as an actuator; the engine itself is `clients.docker`."""
