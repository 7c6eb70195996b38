"""The parsers of what strangers write, each as a function of any bytes; and some to begin with.

A target raises if its parser breaks its promise: another exception than its own, a text that no
database takes, a number that is none, or something written that reads as something else.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from pixfind.errors import QuerySyntaxError, SidecarError
from pixfind.photos.descriptions import read_description
from pixfind.photos.exif import Metadata, read_metadata, read_orientation
from pixfind.photos.formats import FORMATS, prepare_pillow
from pixfind.photos.header import metadata_of
from pixfind.photos.iptc import read_iptc
from pixfind.photos.sidecar import Said, Words, merge, said
from pixfind.photos.xmp import read_xmp
from pixfind.photos.xmp_document import XmpDocument
from pixfind.text import printable
from search.query import describe, format_query, parse
from search.query.caret import place
from search.query.grammar import EXAMPLES
from search.query.mistakes import MAX_QUERY_CHARS

Target = Callable[[bytes], None]
_JPEG_SEGMENT = 65533
_SOMEWHERE = Path("somewhere.xmp")
WORDS = Words(
    keywords=("dog", "New York"),
    automatic=("beach",),
    paths=(("animal", "dog"),),
    recognised=True,
    description="A dog & a <ball>",
    rating=4,
)


def exif(data: bytes) -> None:
    """Read bytes as the EXIF of a JPEG, byte for byte where the segment begins."""
    content = _with_segment(0xE1, b"Exif\0\0" + data)
    with _opened(content) as image:
        _storable(read_metadata(image))
        _must(read_orientation(image) in range(1, 9), "an orientation that is none")


def header(data: bytes) -> None:
    """Read bytes as a whole file, of whatever format they look like."""
    found = metadata_of(data)
    if found is not None:
        _storable(found)


def iptc(data: bytes) -> None:
    """Read bytes as Photoshop's resources of a JPEG, and as the IPTC block in one."""
    with _opened(_with_segment(0xED, b"Photoshop 3.0\0" + data)) as image:
        _storable(read_metadata(image))
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data
    with _opened(_with_segment(0xED, b"Photoshop 3.0\0" + block)) as image:
        for text in (read_iptc(image).caption, read_iptc(image).title, *read_iptc(image).keywords):
            _must(text is None or bool(text.encode()) or text == "", "a text that is none")
        _storable(read_metadata(image))


def xmp(data: bytes) -> None:
    """Read bytes as the XMP packet in a picture."""
    image = Image.new("L", (1, 1))
    image.info["xmp"] = data
    read_xmp(image)
    _storable(read_description(image, {}))


def sidecar(data: bytes) -> None:
    """Read bytes as a sidecar, write a library's words into it, and read that again."""
    try:
        document = XmpDocument.parse(data, _SOMEWHERE)
    except SidecarError:
        return
    _storable(said(document))
    merge(document, WORDS)
    after = said(document)
    again = said(XmpDocument.parse(document.to_bytes(), _SOMEWHERE))
    _must(again == after, f"{after} is read back as {again}")


def query(data: bytes) -> None:
    """Read bytes as a query; what is one is written, read again, explained."""
    text = data.decode("utf-8", "surrogateescape")  # as a terminal hands it on
    _must_be_inside(text)
    try:
        parsed = parse(text)
    except QuerySyntaxError as mistake:
        _must(_is_line(str(mistake)), f"a mistake that cannot be printed: {mistake!r}")
        _must(bool(mistake.suggestion.strip()), f"nothing is suggested: {mistake!r}")
        return
    written = format_query(parsed)
    if len(written) <= MAX_QUERY_CHARS:  # it can be longer than what was typed
        again = parse(written)
        _must(again == parsed, f"{text!r} is written as {written!r}, which reads as {again}")
    for term in parsed.terms:
        _must(_is_line(describe(term)), f"an explanation that cannot be printed of {term}")


def _is_line(text: str) -> bool:
    return text == printable(text) and len(text.splitlines()) == 1


def _must_be_inside(text: str) -> None:
    """Ask what is typed at some carets of a query."""
    for at in (0, len(text) // 2, len(text)):
        found = place(text, at)
        if found is not None:
            _must(0 <= found.start <= found.end <= len(text), f"outside of {text!r}: {found}")


TARGETS: dict[str, Target] = {
    "exif": exif,
    "header": header,
    "iptc": iptc,
    "query": query,
    "sidecar": sidecar,
    "xmp": xmp,
}
# Words of each language, which chance alone would hardly spell.
_XML = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"', "<rdf:RDF", "</rdf:RDF>",
    "<rdf:Description", "</rdf:Description>", "<rdf:li>", "</rdf:li>", "<rdf:Bag>", "</rdf:Bag>",
    "<rdf:Alt>", "</rdf:Alt>", "<rdf:Seq>", "dc:subject", "dc:description", "xmp:Rating",
    "digiKam:TagsList", "lr:hierarchicalSubject", 'xml:lang="x-default"', "<!DOCTYPE", "<!ENTITY",
    "<![CDATA[", "]]>", "<!--", "-->", "<?xml", 'encoding="', "UTF-16", "UTF-7", "&#13;", "&amp;",
    "xmlns", "xmlns:", "pixfind:automatic", "pixfind:version", "rdf:parseType", "rdf:about",
)  # fmt: skip
DICTIONARIES: dict[str, tuple[str, ...]] = {
    "query": (
        "camera:", "date:", "near:", "like:", "tag:", "sort:", "limit:", "score:", "folder:",
        "type:", "2024-02-29", "2023-01..2023-12", ">=", "..", "^0.5", " + ", " -", '\\"', "|",
        "@0,0,.5,.5", "brought-0123456789abcdef", "like:brought-0123456789abcdef", "km", "*", "(",
    ),
    "sidecar": _XML,
    "xmp": _XML,
}  # fmt: skip


def seeds(target: str) -> Iterator[bytes]:
    """Yield inputs that a target makes sense of: from them a fuzzer finds further."""
    if target == "query":
        yield from (example.encode() for example in EXAMPLES)
    elif target in ("xmp", "sidecar"):
        document = XmpDocument.new()
        yield document.to_bytes()
        merge(document, WORDS)
        yield document.to_bytes()
    elif target == "exif":
        yield from (_exif(order) for order in ("<", ">"))
    elif target == "iptc":
        fields = ((5, b"Title"), (25, b"dog"), (25, "Bär".encode("latin-1")), (120, b"A dog"))
        block = b"".join(b"\x1c\x02" + struct.pack(">BH", n, len(v)) + v for n, v in fields)
        yield block
        yield b"8BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block
    else:
        yield from pictures().values()


def pictures() -> dict[str, bytes]:
    """Return a small picture in each format that can be written here, with EXIF, by extension."""
    prepare_pillow()
    image = Image.linear_gradient("L").resize((48, 36)).convert("RGB")
    image.paste((200, 30, 60), (8, 8, 24, 24))
    document = XmpDocument.new()
    merge(document, WORDS)
    made: dict[str, bytes] = {}
    for extension, (kind, facts) in _WRITTEN.items():
        written = io.BytesIO()
        known = {"exif": b"Exif\0\0" + _exif("<"), "xmp": document.to_bytes()}
        image.save(written, kind, **{fact: known[fact] for fact in facts})
        made[extension] = written.getvalue()
    return made


_WRITTEN: dict[str, tuple[str, tuple[str, ...]]] = {
    ".jpg": ("JPEG", ("exif", "xmp")),
    ".png": ("PNG", ("exif",)),
    ".webp": ("WEBP", ("exif", "xmp")),
    ".heic": ("HEIF", ("exif",)),
    ".avif": ("AVIF", ("exif",)),
    ".gif": ("GIF", ()),
    ".tif": ("TIFF", ()),
    ".bmp": ("BMP", ()),
}


def _exif(order: str) -> bytes:
    facts = Image.Exif()
    facts.endian = order
    facts[Base.Make], facts[Base.Model] = "Canon", "EOS 5D"
    facts[Base.Orientation], facts[Base.Rating] = 6, 4
    facts[Base.ImageDescription] = "A dog on a beach"
    facts[Base.XPKeywords] = "dog;beach\0".encode("utf-16-le")
    facts[Base.DateTime] = "2024:02:29 12:30:00"
    photo: dict[int, object] = {
        Base.ISOSpeedRatings: 200,
        Base.FNumber: (28, 10),
        Base.LensModel: "50mm",
    }
    photo |= {Base.ExposureTime: (1, 250), Base.DateTimeOriginal: "2024:02:29 12:30:00"}
    facts.get_ifd(IFD.Exif).update(photo)
    facts.get_ifd(IFD.GPSInfo).update(
        {
            GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (47.0, 22.0, 33.5),
            GPS.GPSLongitudeRef: "E", GPS.GPSLongitude: (8.0, 32.0, 11.0),
            GPS.GPSAltitudeRef: b"\1", GPS.GPSAltitude: 408.5,
        }
    )  # fmt: skip
    return facts.tobytes().removeprefix(b"Exif\0\0")


def _with_segment(marker: int, content: bytes) -> bytes:
    """Return a JPEG that has a segment; what does not go into one is left out."""
    held = content[:_JPEG_SEGMENT]
    segment = bytes((0xFF, marker)) + struct.pack(">H", len(held) + 2) + held
    return _jpeg()[:2] + segment + _jpeg()[2:]


_JPEG: list[bytes] = []


def _jpeg() -> bytes:
    if not _JPEG:
        written = io.BytesIO()
        Image.new("L", (8, 8)).save(written, "JPEG")
        _JPEG.append(written.getvalue())
    return _JPEG[0]


def _opened(content: bytes) -> Image.Image:
    prepare_pillow()
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except (OSError, SyntaxError, ValueError, struct.error):
        # Pillow gives up on the whole picture, which is its right: ``decode`` says so.
        return Image.new("L", (8, 8))


def _storable(facts: object) -> None:
    """Raise unless a database takes everything that has been read."""
    for value in _values(facts):
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, float):
            _must(math.isfinite(value), f"{value} in {facts}")
        elif isinstance(value, int):
            _must(abs(value) < 1 << 63, f"{value} in {facts}")
    if isinstance(facts, Metadata) and facts.latitude is not None:
        _must(-90 <= facts.latitude <= 90, f"no such place: {facts}")
        _must(-180 <= (facts.longitude or 0) <= 180, f"no such place: {facts}")


def _values(facts: object) -> Iterator[object]:
    known = isinstance(facts, (Metadata, Said)) or hasattr(facts, "__dataclass_fields__")
    for value in astuple(facts) if known else ():  # type: ignore[call-overload]
        yield from value if isinstance(value, tuple) else (value,)


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
