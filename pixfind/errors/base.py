"""What all of pixfind's errors have in common."""

from __future__ import annotations


class PixfindError(Exception):
    """Base of every error that pixfind raises on purpose."""
