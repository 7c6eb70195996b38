"""What an XMP packet says of a picture: the RDF that editors and photo managers write into files.

Adobe, "XMP Specification Part 1: Data Model, Serialization, and Core Properties", ISO 16684-1.
Not Pillow's ``getxmp``: it drops the namespaces, and then Windows' rating in percent
(``MicrosoftPhoto:Rating``) takes the place of the stars (``xmp:Rating``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from PIL import Image

# Editors' histories can fill some hundred kilobytes; more is no description of a picture.
MAX_BYTES = 1 << 20
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_RATING = "{http://ns.adobe.com/xap/1.0/}Rating"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True)
class Xmp:
    """The texts of a packet as they stand there; ``None`` or empty where it has none."""

    rating: str | None = None
    description: str | None = None
    title: str | None = None
    subjects: tuple[str, ...] = ()


def read_xmp(image: Image.Image) -> Xmp:
    """Read an open picture's XMP; a packet that is damaged, hostile or huge counts as missing."""
    packet = image.info.get("xmp")
    if not isinstance(packet, bytes) or len(packet) > MAX_BYTES:
        return Xmp()
    try:
        root = ElementTree.fromstring(packet.strip(b"\0 \r\n\t"), forbid_dtd=True)
    except Exception:  # XMP is written by anything; no damage in it may cost the picture
        return Xmp()
    # The packet's own properties, not those nested in them: those are of other pictures, which
    # this one has been made from.
    nodes = [node for rdf in root.iter(f"{_RDF}RDF") for node in rdf.findall(f"{_RDF}Description")]
    return Xmp(
        rating=next(_texts(nodes, _RATING), None),
        description=next(_texts(nodes, f"{_DUBLIN_CORE}description"), None),
        title=next(_texts(nodes, f"{_DUBLIN_CORE}title"), None),
        subjects=tuple(_texts(nodes, f"{_DUBLIN_CORE}subject")),
    )


def _texts(nodes: list[Element], name: str) -> Iterator[str]:
    """Yield a property's texts: its attribute, its only value or its items, the default first."""
    for node in nodes:
        if text := node.get(name):
            yield text
        for value in node.findall(name):
            items = value.findall(f"*/{_RDF}li") or [value]
            items.sort(key=lambda item: item.get(_LANGUAGE) != "x-default")
            yield from (item.text for item in items if item.text and not item.text.isspace())
