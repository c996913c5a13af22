"""`quell bench anomaly`: the streaming detector on the Numenta Anomaly Benchmark."""
