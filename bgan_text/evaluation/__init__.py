"""Scoring of runs, files and Python lists beside real samples."""
