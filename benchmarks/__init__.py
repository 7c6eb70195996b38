"""Reproducible measurements, each against a baseline in the same run. Not installed."""
