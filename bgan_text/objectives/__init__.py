"""Divergences, importance weights and penalties."""
