"""One series at a time, or thousands at once: baselines, detectors, onsets."""
