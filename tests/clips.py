"""Videos made on the spot."""

from __future__ import annotations

from pathlib import Path

import av
from PIL import Image

RATE = 10
SIZE = (64, 48)


def write(
    path: Path,
    shots: list[tuple[str, float]],
    codec: str = "mpeg4",
    size: tuple[int, int] = SIZE,
    rate: int = RATE,
    gop: int = RATE,
    **tags: str,
) -> Path:
    """Write plain shots of so many seconds, each by its colour."""
    path.parent.mkdir(exist_ok=True)
    options = {"movflags": "use_metadata_tags"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(path, "w", options=options) as container:
        container.metadata.update(tags)
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.gop_size = gop
        for colour, seconds in shots:
            frame = av.VideoFrame.from_image(Image.new("RGB", size, colour))
            for _ in range(round(seconds * rate)):
                frame.pts = None
                container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
