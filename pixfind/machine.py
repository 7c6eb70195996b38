"""What this machine offers to the process."""

from __future__ import annotations

import ipaddress
import os
import sys
from contextlib import suppress


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_address(text: str) -> bool:
    """Return whether it is an address of the Internet's protocol, and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def give_memory_back() -> None:
    """Return freed memory to the operating system, where its C library would keep it (glibc)."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
