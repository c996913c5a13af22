"""Numbers without I/O: baselines, anomalies, log templates, topology, ranking."""
