"""Classifier, anomaly, root cause and healing agents behind the ladder."""
