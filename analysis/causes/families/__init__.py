"""Families of evidence: each reads a system in one way and says which services stand out in it."""
