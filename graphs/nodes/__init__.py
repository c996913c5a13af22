"""The nodes of the incident graph, grouped by the part of an incident's way they serve."""
