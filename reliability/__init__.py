"""Trials that try to make pixfind lose, leak or stop: each says what must hold. Not installed."""
