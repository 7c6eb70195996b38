"""What a worker may use of the machine. Set by itself, before it sees a file; POSIX only."""

from __future__ import annotations

import functools
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import resource

MIB = 1 << 20
# Address space beyond what the program itself takes and the file's bytes. Of 40 million pixels none
# of the formats was found to need more than 770 MiB (TGA, with transparency).
FOR_A_PICTURE = 1024 * MIB
# For one that waits until it is the only one (``photos.decode.LARGE_PIXELS``): of 150 million
# pixels, 2770 MiB (JPEG 2000). For videos: a decoder keeps up to 17 frames of 8K.
FOR_A_LARGE_PICTURE = 4096 * MIB
FOR_A_VIDEO = 3072 * MIB
# For libraries that are loaded when they are first needed, as FFmpeg's.
FOR_LIBRARIES = 256 * MIB
# Where nobody tells what the program takes. On Linux, 170 MiB were measured.
USUAL = 512 * MIB


def forbid_what_nobody_needs() -> None:
    """Write no file and no core dump, and stay when Ctrl-C is pressed: pixfind decides on that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for bound in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        with suppress(ValueError, OSError):
            resource.setrlimit(bound, (0, 0))


def end_after(seconds: float) -> None:
    """End this process if it takes so long, whatever it is at; 0: it may take its time again.

    Pixfind ends it sooner. This is for a worker that never lets go of the interpreter, of a pixfind
    that has been killed: it would not hear that.
    """
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


def allow_memory(size: int) -> None:
    """Let this process have so many bytes beside what it has without a picture."""
    if sys.platform == "win32":
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _own() + FOR_LIBRARIES + size
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    # Some systems know the bound and do not take it (macOS).
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


@functools.cache
def _own() -> int:
    """Return the address space that this process takes; asked before its first picture."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError):
        return USUAL
    return pages * os.sysconf("SC_PAGE_SIZE")
