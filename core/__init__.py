"""Nouns and contracts that every other package builds on; no I/O."""
