"""Harnesses that try to make pixfind lose, leak or stop: each states what must hold. Not installed."""
