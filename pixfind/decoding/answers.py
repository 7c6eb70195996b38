"""What workers answer, as JSON can hold it; and back, with every value checked."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from pixfind.messages import Message
from pixfind.photos.decode import DecodedPhoto
from pixfind.photos.descriptions import MAX_CAPTION, MAX_KEYWORDS
from pixfind.photos.exif import Metadata
from pixfind.photos.formats import HEADER_PIXELS

MOST_CHARS = 2 * MAX_CAPTION
MOST_VALUES = 8
MOST_JPEG = 8 << 20
JPEG_STARTS = b"\xff\xd8\xff"
_PLACEHOLDER = re.compile(r"%\(\w{1,20}\)s")
_TYPES: Mapping[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float)}
_KINDS = {
    field.name: _TYPES[str(field.type).split(" | ")[0]]
    for field in dataclasses.fields(Metadata)
    if field.name != "keywords"
}


class AnswerError(ValueError):
    """An answer that no worker gives as long as nobody has taken it over."""


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a picture.

    ``edge`` is the shortest edge in pixels, as for ``photos.decode.decode``; ``image`` whether its
    pixels are wanted; ``jpeg`` the long edge of the small JPEG that is wanted, 0 for none; ``blur``
    whether ``photos.small.blur_of`` is.
    """

    edge: int
    image: bool = True
    jpeg: int = 0
    blur: bool = False


@dataclass(frozen=True)
class Picture:
    """What came of a picture: what was not wanted is empty, or an image of one pixel."""

    photo: DecodedPhoto
    jpeg: bytes
    blur: bytes


@dataclass(frozen=True)
class Film:
    """What a video's file says of it, as ``videos.reading.Video``."""

    width: int
    height: int
    duration: float
    format: str
    metadata: Metadata


def message_document(text: str) -> dict[str, Any]:
    """Return a text, with what it was made of, for JSON."""
    if not isinstance(text, Message):
        return {"text": str(text)}
    values = {
        name: message_document(value) if isinstance(value, Message) else _plain(value)
        for name, value in text.values.items()
    }
    return {"text": str(text), "template": text.template, "values": values}


def message_of(document: Any, depth: int = 2) -> Message:
    """Return the text again.

    Raises:
        AnswerError: it is none.
    """
    known = _object(document)
    text = _text(known.get("text"))
    template, values = known.get("template", text), _object(known.get("values", {}))
    if len(values) > MOST_VALUES or depth < 0:
        raise AnswerError("a text of too many parts")
    # Only what ``said`` makes: a width in a template would make the text as long as it says.
    if values and "%" in _PLACEHOLDER.sub("", _text(template)):
        raise AnswerError("a template that is none")
    made: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            made[name] = message_of(value, depth - 1)
        else:
            made[name] = value if type(value) in (int, float) else _text(value)
    return Message(text, _text(template), made)


def metadata_document(metadata: Metadata) -> dict[str, Any]:
    """Return the facts for JSON."""
    return dataclasses.asdict(metadata)


def metadata_of_document(document: Any) -> Metadata:
    """Return the facts again.

    Raises:
        AnswerError: they are none.
    """
    known = _object(document)
    if set(known) != {*_KINDS, "keywords"}:
        raise AnswerError("facts that are none")
    for name, kind in _KINDS.items():
        value = known[name]
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise AnswerError(f"{name} of another kind")
        if isinstance(value, str):
            _text(value)
        elif isinstance(value, int) and abs(value) > HEADER_PIXELS:
            raise AnswerError(f"{name} beyond all bounds")
    keywords = known["keywords"]
    if not isinstance(keywords, list) or len(keywords) > MAX_KEYWORDS:
        raise AnswerError("keywords that are none")
    return Metadata(**{**known, "keywords": tuple(map(_text, keywords))})


def image_of(size: Any, pixels: bytes) -> Image.Image:
    """Return RGB pixels as a picture.

    Raises:
        AnswerError: there are more or fewer than the size says.
    """
    if not isinstance(size, list) or len(size) != len(("width", "height")):
        raise AnswerError("a size that is none")
    width, height = map(_pixels, size)
    if width * height * 3 != len(pixels):
        raise AnswerError("pixels of another size")
    return Image.frombytes("RGB", (width, height), pixels)


def picture_document(photo: DecodedPhoto) -> dict[str, Any]:
    """Return what is said beside the pixels, for JSON."""
    return {
        "width": photo.width,
        "height": photo.height,
        "format": photo.format,
        "metadata": metadata_document(photo.metadata),
    }


def picture_of(document: Any, pieces: Sequence[bytes], blur_bytes: int) -> Picture:
    """Return the answer to ``Wanted``.

    Raises:
        AnswerError: it is none.
    """
    known = _object(document)
    if len(pieces) != len(("pixels", "jpeg", "blur")):
        raise AnswerError("other pieces than those of a picture")
    pixels, jpeg, blur = pieces
    if jpeg and not (jpeg.startswith(JPEG_STARTS) and len(jpeg) <= MOST_JPEG):
        raise AnswerError("a JPEG that is none")
    if blur and len(blur) != blur_bytes:
        raise AnswerError("a blur that is none")
    photo = DecodedPhoto(
        image=image_of(known.get("size"), pixels) if pixels else Image.new("RGB", (1, 1)),
        width=_pixels(known.get("width")),
        height=_pixels(known.get("height")),
        format=_text(known.get("format")),
        metadata=metadata_of_document(known.get("metadata")),
    )
    return Picture(photo, jpeg, blur)


def film_of(document: Any) -> Film:
    """Return what a video's file says of it.

    Raises:
        AnswerError: it says nothing that a video can say.
    """
    known = _object(document)
    return Film(
        width=_pixels(known.get("width")),
        height=_pixels(known.get("height")),
        duration=second_of(known.get("duration")),
        format=_text(known.get("format")),
        metadata=metadata_of_document(known.get("metadata")),
    )


def second_of(value: Any) -> float:
    """Return a moment of a video.

    Raises:
        AnswerError: it is none.
    """
    if type(value) not in (int, float) or not 0 <= value <= HEADER_PIXELS:
        raise AnswerError("a moment that is none")
    return float(value)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise AnswerError("no object where one belongs")
    return value


def _pixels(value: Any) -> int:
    if type(value) is not int or not 0 < value <= HEADER_PIXELS:
        raise AnswerError("a length that is none")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MOST_CHARS:
        raise AnswerError("a text that is none, or too long")
    try:
        value.encode()  # the catalog is UTF-8
    except UnicodeEncodeError as error:
        raise AnswerError("a text that cannot be written") from error
    return value


def _plain(value: object) -> object:
    return value if type(value) in (int, float) else str(value)
