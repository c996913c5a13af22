"""Local processes under `quell supervise`: what is declared, what goes over its socket, and the actuator."""
