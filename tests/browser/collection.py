"""A small collection of photos as somebody may have it: folders, cameras, places, a film.

The pictures are those that scikit-image bundles; what a camera would have written is made up.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import av
import numpy as np
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from indexer import Indexer
from pixfind.catalog import roots
from pixfind.cli.demo import demo_photos
from pixfind.config import Settings
from pixfind.encoders.base import Encoder
from pixfind.library import Library

FUJI = ("FUJIFILM", "X100V")
SONY = ("SONY", "ILCE-7M3")
FILM_SIZE = (640, 480)
FILM_RATE = 12
SHOT_SECONDS = 2
MANY = 132  # three pages of results and a bit
NO_PICTURE = "Scans/broken.jpg"


@dataclass(frozen=True)
class Shot:
    """One of scikit-image's pictures, and what the camera is said to have written into it."""

    source: str
    taken: str
    camera: tuple[str, str]
    place: tuple[float, float] | None = None  # degrees, north and east


SHOTS = {
    "Animals/chelsea.jpg": Shot("chelsea.png", "2021-05-02 16:20", FUJI, (46.95, 7.45)),
    "Kitchen/coffee.jpg": Shot("coffee.png", "2021-05-03 08:05", FUJI),
    "Space/rocket.jpg": Shot("rocket.jpg", "2018-02-06 15:45", SONY, (28.61, -80.60)),
    "Space/astronaut.jpg": Shot("astronaut.png", "2018-02-07 10:30", SONY, (29.55, -95.09)),
    "Space/hubble.jpg": Shot("hubble_deep_field.jpg", "2018-02-07 22:10", SONY),
    "Space/moon.jpg": Shot("moon.png", "2018-02-08 23:59", SONY),
    "Garage/motorcycle.jpg": Shot("motorcycle_left.png", "2020-09-12 14:00", SONY),
    "Garage/motorcycle again.jpg": Shot("motorcycle_right.png", "2020-09-12 14:01", SONY),
    "Ground/brick.jpg": Shot("brick.png", "2020-03-01 12:00", FUJI),
    "Ground/grass.jpg": Shot("grass.png", "2020-03-01 12:10", FUJI),
    "Ground/gravel.jpg": Shot("gravel.png", "2020-03-01 12:20", FUJI),
    "Scans/cameraman.jpg": Shot("camera.png", "1978-07-01 12:00", ("Nikon", "F2")),
    "Scans/coins.jpg": Shot("coins.png", "2019-11-20 18:00", FUJI),
    "Scans/clock.jpg": Shot("clock_motion.png", "2019-11-20 18:30", FUJI),
}
COPY = ("Space/astronaut.jpg", "Sent/astronaut small.jpg")
FILM = "Films/launch.mp4"
FILM_MADE = "2018-02-06T15:50:00Z"
FILM_OF = ("rocket.jpg", "coffee.png", "chelsea.png")


@dataclass(frozen=True)
class Collection:
    """A folder of photos and the library that knows them."""

    photos: Path
    settings: Settings

    def copy(self, folder: Path) -> Collection:
        """Copy both to a folder where they may be changed."""
        other = Collection(folder / "photos", settings_in(folder))
        shutil.copytree(self.photos, other.photos)
        shutil.copytree(self.settings.library, other.settings.library)
        shutil.copytree(self.settings.cache, other.settings.cache)
        with Library.open(other.settings.library) as library, library.catalog.write() as session:
            roots.move(session, self.photos, other.photos)
        return other


def settings_in(folder: Path) -> Settings:
    """Return settings with which nothing outside the folder is read or written."""
    return Settings(
        library=folder / "library",
        models=folder / "models",
        demo_library=folder / "demo",
        cache=folder / "cache",
    )


def make_collection(folder: Path, encoder: Encoder) -> Collection:
    """Make the pictures, a smaller copy of one, a film and a file that fails; index all."""
    photos = folder / "photos"
    for name, shot in SHOTS.items():
        path = photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _pixels(shot.source).save(path, quality=90, exif=_exif(shot))
    original, copy = (photos / name for name in COPY)
    copy.parent.mkdir()
    with Image.open(original) as image:
        image.resize((image.width // 2, image.height // 2)).save(copy, quality=70)
    _write_film(photos / FILM, FILM_OF)
    (photos / NO_PICTURE).write_bytes(b"This has never been a picture.")
    return _indexed(Collection(photos, settings_in(folder)), encoder)


def make_many(folder: Path, encoder: Encoder) -> Collection:
    """Make more plain pictures than a page shows, of every shape and over eleven years."""
    photos = folder / "photos"
    photos.mkdir()
    random = np.random.default_rng(0)
    for number in range(MANY):
        size = (int(random.integers(60, 160)), int(random.integers(60, 160)))
        taken = datetime(2010, 1, 1) + timedelta(days=30 * number)
        exif = _exif(Shot("", f"{taken:%Y-%m-%d %H:%M}", FUJI))
        corners = Image.fromarray(random.integers(0, 256, (2, 2, 3), np.uint8))
        picture = corners.resize(size, Image.Resampling.BICUBIC)
        picture.save(photos / f"{number:03}.jpg", exif=exif)
    return _indexed(Collection(photos, settings_in(folder)), encoder)


def _indexed(collection: Collection, encoder: Encoder) -> Collection:
    collection.settings.cache.mkdir()
    with Library.create(collection.settings.library) as library:
        Indexer(library, encoder).run([collection.photos])
    return collection


def _pixels(name: str) -> Image.Image:
    with Image.open(demo_photos() / name) as image:
        return image.convert("RGB")


def _exif(shot: Shot) -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Model] = shot.camera
    inner = exif.get_ifd(IFD.Exif)
    inner[Base.DateTimeOriginal] = f"{shot.taken.replace('-', ':')}:00"
    inner[Base.ISOSpeedRatings] = 200
    inner[Base.FNumber] = 4.0
    inner[Base.ExposureTime] = 0.004
    inner[Base.FocalLength] = 23.0
    if shot.place is not None:
        latitude, longitude = shot.place
        gps = exif.get_ifd(IFD.GPSInfo)
        gps[GPS.GPSLatitudeRef], gps[GPS.GPSLatitude] = "NS"[latitude < 0], _degrees(latitude)
        gps[GPS.GPSLongitudeRef], gps[GPS.GPSLongitude] = "EW"[longitude < 0], _degrees(longitude)
    return exif


def _degrees(angle: float) -> tuple[float, float, float]:
    return (abs(angle), 0.0, 0.0)


def _write_film(path: Path, sources: Sequence[str]) -> None:
    """Write a shot of each picture that browsers play and search finds at its moment."""
    path.parent.mkdir(parents=True)
    with av.open(path, "w") as container:
        container.metadata["creation_time"] = FILM_MADE
        stream = container.add_stream("libx264", rate=FILM_RATE)
        stream.width, stream.height = FILM_SIZE
        stream.pix_fmt = "yuv420p"
        stream.gop_size = FILM_RATE
        for image in _shots(sources):
            frame = av.VideoFrame.from_image(image)
            for _ in range(SHOT_SECONDS * FILM_RATE):
                frame.pts = None
                container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _shots(sources: Sequence[str]) -> Iterator[Image.Image]:
    for source in sources:
        yield _pixels(source).resize(FILM_SIZE)
