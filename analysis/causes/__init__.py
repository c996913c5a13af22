"""From findings to ranked causes: families of evidence, fused, explained, calibrated."""
