"""Reading photos: upright pixels of every format, what EXIF says, what is not a picture."""

from __future__ import annotations

import errno
import io
import os
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, PngImagePlugin
from PIL.ExifTags import GPS, IFD, Base

from pixfind.errors import PhotoDecodeError, PhotoReadError
from pixfind.photos import decode as decoding
from pixfind.photos.decode import DecodedPhoto, as_rgb, decode, decode_file, read_bytes
from pixfind.photos.exif import Metadata
from pixfind.photos.formats import is_picture_name, prepare_pillow
from pixfind.photos.header import metadata_of

PATH = Path("the photo.jpg")
EDGE = 16
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "GIF", "BMP", "JPEG2000", "PPM", "TGA")
KEEP_ORIENTATION = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "MPO")
# What a camera held that way stores, by the EXIF orientation that it writes.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quarters(width: int = 60, height: int = 40) -> Image.Image:
    """A picture whose four quarters differ, so that no turn goes unseen."""
    corners = np.array([[(255, 0, 0), (0, 255, 0)], [(0, 0, 255), (255, 255, 255)]], np.uint8)
    return Image.fromarray(corners).resize((width, height), Image.Resampling.NEAREST)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    prepare_pillow()
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def reopened(image: Image.Image, kind: str, edge: int = EDGE, **options: object) -> DecodedPhoto:
    return decode(encoded(image, kind, **options), PATH, edge)


def largest_difference(one: Image.Image, other: Image.Image, edge: int = 4) -> float:
    """The largest difference of two pictures seen from afar, in levels of 255."""
    small = [
        np.asarray(image.resize((edge, edge), Image.Resampling.BOX), np.float32)
        for image in (one, other)
    ]
    return float(np.abs(small[0] - small[1]).max())


def colour(photo: DecodedPhoto, x: int = 0, y: int = 0) -> tuple[int, ...]:
    pixel = photo.image.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return pixel


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG whose header claims that many grey pixels, whatever follows."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def refusal(content: bytes) -> str:
    """Why the content is no picture; in one line."""
    with pytest.raises(PhotoDecodeError) as caught:
        decode(content, PATH, EDGE)
    assert caught.value.path == PATH
    assert_one_line(caught.value.reason)
    return caught.value.reason


def assert_one_line(reason: str) -> None:
    assert reason.strip()
    assert len(reason.splitlines()) == 1


# Pixels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", KEEP_ORIENTATION)
def test_every_orientation_becomes_upright(kind: str, orientation: int) -> None:
    upright = quarters()
    stored = upright.copy() if orientation == 1 else upright.transpose(STORED[orientation])
    exif = stored.getexif()
    exif[Base.Orientation] = orientation
    # HEIC keeps the orientation apart from the EXIF; its writer looks for it in the picture itself.
    photo = reopened(stored, kind, **({} if kind == "HEIF" else {"exif": exif}))
    assert (photo.width, photo.height) == (60, 40)
    assert photo.image.width > photo.image.height
    assert largest_difference(photo.image, upright) < 30


def test_nearly_square_picture_on_its_side_keeps_its_size_straight() -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    photo = reopened(Image.new("RGB", (1000, 999)), "JPEG", exif=exif)
    assert (photo.width, photo.height) == (999, 1000)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientation_that_means_nothing_is_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    photo = reopened(quarters(), "PNG", exif=exif)
    assert largest_difference(photo.image, quarters()) == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_format(kind: str) -> None:
    photo = reopened(quarters(), kind)
    assert (photo.width, photo.height, photo.image.mode) == (60, 40, "RGB")
    assert photo.format == kind
    assert largest_difference(photo.image, quarters()) < 30
    assert photo.metadata == Metadata()


@pytest.mark.parametrize("size", [(1000, 750), (750, 1000), (2399, 1800), (640, 640), (900, 101)])
@pytest.mark.parametrize("edge", [100, 224, 300])
def test_jpeg_is_scaled_down_but_not_below_the_edge(size: tuple[int, int], edge: int) -> None:
    photo = reopened(Image.new("RGB", size), "JPEG", edge=edge)
    assert (photo.width, photo.height) == size
    assert min(photo.image.size) >= min(edge, *size)
    assert (photo.image.size < size) == (min(size) >= 2 * edge)


def test_smaller_picture_is_not_enlarged() -> None:
    assert reopened(quarters(), "JPEG", edge=300).image.size == (60, 40)


def half_transparent(mode: str) -> Image.Image:
    """Black, and transparent in the left half."""
    image = Image.new("RGBA", (40, 40), "black")
    image.paste((0, 0, 0, 0), (0, 0, 20, 40))
    return image.convert(mode)


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "TIFF")])
def test_transparency_is_laid_on_white(mode: str, kind: str) -> None:
    photo = reopened(half_transparent(mode), kind)
    assert (colour(photo, 0, 0), colour(photo, 39, 0)) == ((255,) * 3, (0,) * 3)


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "PNG"), ("L", "PNG"), ("P", "PNG"), ("L", "GIF"), ("P", "GIF")]
)
def test_transparent_colour_is_laid_on_white(mode: str, kind: str) -> None:
    image = Image.new(mode, (40, 40))
    if mode == "P":
        image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste((255, 0, 0) if mode == "RGB" else 1, (20, 0, 40, 40))
    photo = reopened(image, kind, transparency=(0, 0, 0) if mode == "RGB" else 0)
    assert colour(photo, 0, 0) == (255, 255, 255)
    assert colour(photo, 39, 0) != (255, 255, 255)


def test_half_transparent_is_half_white() -> None:
    assert colour(reopened(Image.new("RGBA", (9, 9), (0, 0, 0, 128)), "PNG"))[0] in (127, 128)


def test_palette() -> None:
    photo = reopened(quarters().quantize(4), "PNG")
    assert largest_difference(photo.image, quarters()) < 4


def test_black_and_white() -> None:
    photo = reopened(quarters().convert("1", dither=Image.Dither.NONE), "PNG")
    assert colour(photo, 59, 39) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG2000"])
def test_16_bit_grey_is_scaled_not_cut(kind: str) -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint16) * 257, (8, 1))
    image = reopened(Image.fromarray(ramp), kind, edge=2).image
    assert np.abs(np.asarray(image)[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_big_endian_16_bit_grey() -> None:
    grey = Image.frombytes("I;16B", (2, 2), np.array([0, 65535] * 2, ">u2").tobytes())
    assert np.asarray(as_rgb(grey))[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_floating_point_with_holes(odd: float) -> None:
    values = np.array([[odd, 0.0], [2.0, 4.0]], np.float32)
    image = reopened(Image.fromarray(values), "TIFF").image
    assert np.asarray(image)[..., 0].tolist() == [[0, 0], [127, 255]]


def test_cmyk_jpeg() -> None:
    photo = reopened(quarters().convert("CMYK"), "JPEG", quality=95)
    assert photo.image.mode == "RGB"
    assert largest_difference(photo.image, quarters()) < 30


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_first_frame_of_an_animation(kind: str) -> None:
    later = [Image.new("RGB", (40, 30), name) for name in ("blue", "lime")]
    photo = reopened(Image.new("RGB", (40, 30), "red"), kind, save_all=True, append_images=later)
    assert np.abs(np.array(colour(photo)) - (255, 0, 0)).max() < 10


def test_primary_picture_of_a_heic_with_several() -> None:
    file = io.BytesIO()
    several = pillow_heif.from_pillow(Image.new("RGB", (40, 30), "red"))
    several.add_from_pillow(Image.new("RGB", (40, 30), "blue"))
    several.save(file, primary_index=1)
    red, _, blue = colour(decode(file.getvalue(), PATH, EDGE))
    assert (red < 10, blue > 245) == (True, True)


@pytest.mark.parametrize("name", ["a.jpg", "A.JPEG", "b.HEIC", "c.d.webp", "e.avif", "f.tif"])
def test_picture_names(name: str) -> None:
    assert is_picture_name(name)


@pytest.mark.parametrize("name", ["a.mp4", "b.MOV", "c.txt", "jpg", ".hidden.jpg", "d.jpg.part"])
def test_names_of_other_files(name: str) -> None:
    assert not is_picture_name(name)


# EXIF


def camera_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Model] = "NIKON CORPORATION", "NIKON D90"
    exif[Base.DateTime] = "2022:01:01 00:00:00"
    photo = exif.get_ifd(IFD.Exif)
    photo[Base.DateTimeOriginal] = "2021:06:07 08:09:10"
    photo[Base.LensModel] = "AF-S 50mm f/1.8"
    photo[Base.ISOSpeedRatings] = 400
    photo[Base.FNumber], photo[Base.FocalLength], photo[Base.ExposureTime] = 1.8, 50.0, 0.004
    gps = exif.get_ifd(IFD.GPSInfo)
    gps[GPS.GPSLatitudeRef], gps[GPS.GPSLatitude] = "S", (33.0, 51.0, 30.6)
    gps[GPS.GPSLongitudeRef], gps[GPS.GPSLongitude] = "W", (70.0, 12.0, 0.0)
    gps[GPS.GPSAltitudeRef], gps[GPS.GPSAltitude] = b"\x01", 12.5
    return exif


def metadata(exif: Image.Exif) -> Metadata:
    return reopened(quarters(), "JPEG", exif=exif).metadata


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_camera_facts(kind: str) -> None:
    found = reopened(quarters(), kind, exif=camera_exif()).metadata
    assert found.taken_at == "2021-06-07T08:09:10"
    assert (found.camera_make, found.camera_model) == ("NIKON CORPORATION", "NIKON D90")
    assert (found.lens, found.iso) == ("AF-S 50mm f/1.8", 400)
    assert (found.aperture, found.focal_length, found.exposure_time) == (1.8, 50.0, 0.004)
    assert found.latitude == pytest.approx(-33.8585)
    assert found.longitude == pytest.approx(-70.2)
    assert found.altitude == -12.5


def test_north_east_above_the_sea() -> None:
    exif = camera_exif()
    gps = exif.get_ifd(IFD.GPSInfo)
    gps[GPS.GPSLatitudeRef], gps[GPS.GPSLongitudeRef], gps[GPS.GPSAltitudeRef] = "N", "E", b"\x00"
    found = metadata(exif)
    assert (found.latitude, found.longitude) == (pytest.approx(33.8585), pytest.approx(70.2))
    assert found.altitude == 12.5


@pytest.mark.parametrize(
    "changes",
    [
        {GPS.GPSLatitude: (0.0, 0.0, 0.0), GPS.GPSLongitude: (0.0, 0.0, 0.0)},
        {GPS.GPSLatitude: (91.0, 0.0, 0.0)},
        {GPS.GPSLongitude: (181.0, 0.0, 0.0)},
        {GPS.GPSLatitude: ()},
    ],
)
def test_impossible_position_is_none(changes: dict[int, tuple[float, ...]]) -> None:
    exif = camera_exif()
    exif.get_ifd(IFD.GPSInfo).update(changes)
    found = metadata(exif)
    assert (found.latitude, found.longitude) == (None, None)


@pytest.mark.parametrize("written", ["0000:00:00 00:00:00", "    :  :     :  :  ", "tomorrow"])
def test_unset_clock_falls_back_to_the_date_of_the_file(written: str) -> None:
    exif = camera_exif()
    exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = written
    assert metadata(exif).taken_at == "2022-01-01T00:00:00"


def test_text_ends_at_a_nul_and_loses_control_characters() -> None:
    exif = camera_exif()
    exif[Base.Make], exif[Base.Model] = "Can\x1b[31mon  \0rest", "   "
    found = metadata(exif)
    assert (found.camera_make, found.camera_model) == ("Can[31mon", None)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_costs_only_the_exif(kind: str) -> None:
    exif = camera_exif()
    exif[Base.Orientation] = 6
    whole = exif.tobytes()
    rng = random.Random(5)
    for _ in range(120):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 5)):
            damaged[rng.randrange(6, len(damaged))] = rng.choice((0, 1, 2, 5, 7, 255))
        if rng.random() < 0.2:
            del damaged[rng.randrange(8, len(damaged)) :]
        photo = reopened(quarters(), kind, exif=bytes(damaged))
        assert sorted((photo.width, photo.height)) == [40, 60]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_exif_that_is_noise() -> None:
    noise = b"Exif\0\0" + np.random.default_rng(0).bytes(500)
    photo = reopened(quarters(), "JPEG", exif=noise)
    assert photo.metadata == Metadata()
    assert largest_difference(photo.image, quarters()) < 30


# What people wrote: stars, captions, keywords

NAMESPACES = """
  xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/"
"""
KEEP_XMP = ("JPEG", "PNG", "PNG at the end", "WEBP", "TIFF", "AVIF", "HEIF")


def packet(inside: str = "", attributes: str = "") -> bytes:
    """An XMP packet with these properties."""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
    <x:xmpmeta xmlns:x="adobe:ns:meta/">
    <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description rdf:about="" {NAMESPACES} {attributes}>{inside}</rdf:Description>
    </rdf:RDF></x:xmpmeta>{" " * 200}<?xpacket end="w"?>""".encode()


def items(name: str, kind: str, *values: str) -> str:
    """A property with several values, the first of them in the default language."""
    marks = ["", 'xml:lang="x-default"', 'xml:lang="de-DE"'] if kind == "Alt" else [""] * 500
    listed = "".join(
        f"<rdf:li {marks[n % len(marks)]}>{value}</rdf:li>" for n, value in enumerate(values)
    )
    return f"<{name}><rdf:{kind}>{listed}</rdf:{kind}></{name}>"


def with_xmp(xmp: bytes, kind: str = "WEBP") -> bytes:
    if kind == "TIFF":
        return encoded(quarters(), kind, tiffinfo={700: xmp})
    if not kind.startswith("PNG"):
        return encoded(quarters(), kind, xmp=xmp)
    chunks = PngImagePlugin.PngInfo()
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp
    chunks.add(b"iTXt", text, after_idat=kind.endswith("end"))
    return encoded(quarters(), "PNG", pnginfo=chunks)


def field(number: int, value: bytes, record: int = 2) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(value)) + value


def with_iptc(block: bytes) -> bytes:
    """A JPEG whose Photoshop segment holds the block."""
    content = encoded(quarters(), "JPEG")
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block
    segment = b"Photoshop 3.0\0" + resource
    return content[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + content[2:]


def with_exif(tags: dict[int, object]) -> bytes:
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    return encoded(quarters(), "JPEG", exif=exif)


def windows(text: str) -> bytes:
    return (text + "\0").encode("utf-16-le")


def read(content: bytes) -> Metadata:
    """A file's metadata, the same with its pixels and without them."""
    found = decode(content, PATH, EDGE).metadata
    assert metadata_of(content) == found
    return found


@pytest.mark.parametrize("kind", KEEP_XMP)
def test_xmp_in_every_format(kind: str) -> None:
    xmp = packet(
        items("dc:subject", "Bag", "Mongolei", "Düne")
        + items("dc:description", "Alt", "Düne", "A dune")
        + "<xmp:Rating>4</xmp:Rating>"
    )
    found = read(with_xmp(xmp, kind))
    assert (found.rating, found.caption, found.keywords) == (4, "A dune", ("Mongolei", "Düne"))


def test_iptc_in_a_jpeg() -> None:
    block = field(90, b"\x1b%G", record=1) + field(0, b"\0\2")
    block += field(25, "Düne".encode()) + field(25, b"sand") + field(120, b"A dune") + b"\0"
    found = read(with_iptc(block))
    assert (found.caption, found.keywords) == ("A dune", ("Düne", "sand"))


def test_iptc_in_a_tiff() -> None:
    content = encoded(quarters(), "TIFF", tiffinfo={33723: field(120, b"A dune")})
    assert read(content).caption == "A dune"


def test_exif_and_windows_own_fields() -> None:
    found = read(
        with_exif(
            {
                Base.Rating: 5,
                Base.XPTitle: windows("Düne \u2014 砂丘"),
                Base.XPKeywords: windows("sand; Gobi ;;SAND"),
            }
        )
    )
    assert found.rating == 5
    assert (found.caption, found.keywords) == ("Düne \u2014 砂丘", ("sand", "Gobi"))


@pytest.mark.parametrize(
    ("written", "stars"),
    [("1", 1), ("5", 5), ("3.0", 3), (" 2 ", 2), ("-1", -1), ("0", None), ("-0.5", None)]
    + [(odd, None) for odd in ("", "6", "-2", "99", "nan", "inf", "five", "9" * 5000)],
)
def test_rating(written: str, stars: int | None) -> None:
    assert read(with_xmp(packet(attributes=f'xmp:Rating="{written}"'))).rating == stars
    assert read(with_xmp(packet(f"<xmp:Rating>{written}</xmp:Rating>"))).rating == stars


@pytest.mark.parametrize(
    ("percent", "stars"),
    [(0, None), (1, 1), (12, 1), (25, 2), (50, 3), (75, 4), (99, 5), (100, 5), (101, None)],
)
def test_rating_in_percent(percent: int, stars: int | None) -> None:
    assert read(with_exif({Base.RatingPercent: percent})).rating == stars


def test_stars_come_before_percent_and_a_field_without_meaning_counts_for_nothing() -> None:
    both = packet(attributes='MicrosoftPhoto:Rating="50" xmp:Rating="5"')
    assert read(with_xmp(both)).rating == 5
    assert read(with_xmp(packet(attributes='MicrosoftPhoto:Rating="1"'))).rating is None
    assert read(with_exif({Base.Rating: 0, Base.RatingPercent: 50})).rating is None
    assert read(with_exif({Base.Rating: 77, Base.RatingPercent: 50})).rating == 3


def test_best_caption_is_taken() -> None:
    exif = Image.Exif()
    block = field(5, b"title of IPTC") + field(120, b"caption of IPTC")
    exif[Base.ImageDescription] = "caption of EXIF"
    exif[Base.XPComment], exif[Base.XPTitle] = windows("comment"), windows("title of Windows")
    exif[Base.XPSubject] = windows("subject")
    xmp = items("dc:title", "Alt", "title of XMP")
    described = items("dc:description", "Alt", "caption of XMP")
    # What the file holds, and what is taken away to come to the next.
    sources: dict[str, object] = {"xmp": packet(xmp + described), "exif": exif, "iptc": block}

    def caption() -> str | None:
        content = encoded(quarters(), "JPEG", xmp=sources["xmp"], exif=exif)
        marked = with_iptc(bytes(sources["iptc"]))  # type: ignore[call-overload]
        segment = marked[2 : 2 + len(marked) - len(encoded(quarters(), "JPEG"))]
        return read(content[:2] + segment + content[2:]).caption

    assert caption() == "caption of XMP"
    sources["xmp"] = packet(xmp)
    assert caption() == "caption of IPTC"
    sources["iptc"] = field(5, b"title of IPTC")
    assert caption() == "caption of EXIF"
    del exif[Base.ImageDescription]
    assert caption() == "comment"
    del exif[Base.XPComment]
    assert caption() == "title of XMP"
    sources["xmp"] = packet()
    assert caption() == "title of IPTC"
    sources["iptc"] = b""
    assert caption() == "title of Windows"
    del exif[Base.XPTitle]
    assert caption() == "subject"


@pytest.mark.parametrize(
    "text",
    [
        "OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "DCF 1.0", "KONICA MINOLTA DIGITAL CAMERA",
        "Minolta DSC", "SAMSUNG", "KODAK Digital Still Camera", "KODAK Action Cam", "null",
        "Default", "123", "2024-05-06 07:08", "M2E1L0-0R336B386", "EX-Z750", "CASIO  EX-Z750",
        "CASIO", "MOULTRIE DIGITAL GAME CAMERA", "Exif_JPEG_PICTURE", "dav", "DSC01234",
        "IMG_20240506_070809.jpg", "P1010023", r"DCIM\100MEDIA\DJI_0001.JPG", "   ", "\t\n",
        "0f8fad5b-d9cb-469f-a165-70867728950e", "Created with GIMP",
    ],
)  # fmt: skip
def test_texts_that_nobody_wrote_are_no_captions(text: str) -> None:
    tags = {Base.Make: "CASIO", Base.Model: "EX-Z750", Base.ImageDescription: text}
    assert read(with_exif(tags)).caption is None
    assert read(with_exif({**tags, Base.XPTitle: windows("A dune")})).caption == "A dune"


@pytest.mark.parametrize(
    "text",
    [
        "My digital camera", "Canon at noon", "Kodak moment", "A380-800", "P-51 Mustang", "京都",
        "2019 in Rome", "Camera obscura", "Sony Center Berlin", "Image of a man", "Sam", "H2O",
    ],
)  # fmt: skip
def test_texts_that_somebody_wrote_are_captions(text: str) -> None:
    assert read(with_exif({Base.XPComment: windows(text)})).caption == text


def test_caption_is_one_line_of_bounded_length() -> None:
    written = "  The dunes,\r\n\tcafe\u0301\x07\u202e  at night  "
    assert read(with_exif({Base.XPComment: windows(written)})).caption == (
        "The dunes, caf\u00e9 at night"
    )
    long = read(with_exif({Base.ImageDescription: "word " * 2000})).caption
    assert long is not None
    assert (len(long), long[-5:]) == (1999, " word")


def test_texts_in_utf8_and_in_latin1() -> None:
    assert read(with_iptc(field(120, "Düne".encode("latin-1")))).caption == "Düne"
    assert read(with_iptc(field(120, "Düne".encode()))).caption == "Düne"
    for encoding in ("utf-8", "latin-1"):
        # Written as bytes, as programs do: Pillow itself would write a question mark.
        marks = b"?" * len("ü".encode(encoding))
        content = with_exif({Base.ImageDescription: f"D{marks.decode()}ne"})
        content = content.replace(b"D" + marks + b"ne", "Düne".encode(encoding))
        assert read(content).caption == "Düne"


def test_keywords_of_all_sources_once_each() -> None:
    exif = Image.Exif()
    exif[Base.XPKeywords] = windows("sand;ÉTÉ;Gobi")
    xmp = packet(items("dc:subject", "Bag", "Sand", "  été ", "cafe\u0301", " "))
    keywords = read(encoded(quarters(), "JPEG", xmp=xmp, exif=exif)).keywords
    assert keywords == ("Sand", "été", "caf\u00e9", "Gobi")


def test_keywords_are_bounded() -> None:
    xmp = packet(items("dc:subject", "Bag", "x" * 5000, *map(str, range(300))))
    keywords = read(with_xmp(xmp)).keywords
    assert (len(keywords), max(map(len, keywords))) == (100, 100)


def test_properties_of_other_pictures_are_passed_over() -> None:
    """Editors keep the packets of the pictures that one was made from."""
    inner = f'<rdf:Description xmp:Rating="1">{items("dc:subject", "Bag", "x")}</rdf:Description>'
    xmp = packet(f"<xmp:Ingredients><rdf:Bag><rdf:li>{inner}</rdf:li></rdf:Bag></xmp:Ingredients>")
    assert read(with_xmp(xmp)) == Metadata()


BOMB = (
    b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">%s]><x:xmpmeta xmlns:x="x">&j;"""
    % (b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)))
)
OUTSIDE = b"""<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>"""
FINE = packet(items("dc:subject", "Bag", "dune"), 'xmp:Rating="3"')


@pytest.mark.parametrize(
    "xmp",
    [
        b"",
        b"\0" * 100,
        b"no XML",
        FINE[: len(FINE) // 2],
        FINE.replace(b"dune", b"d\xffne"),
        FINE.replace(b"dune", b"&undefined;"),
        BOMB,
        OUTSIDE,
        b"<!DOCTYPE r>" + FINE[FINE.index(b"<x:") :],
        b"<a>" * 170_000 + b"</a>" * 130_000,
        b"<a>" * 140_000 + b"</a>" * 140_000,
    ],
    ids=range(11),
)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_broken_and_hostile_xmp_costs_only_the_xmp(kind: str, xmp: bytes) -> None:
    assert read(with_xmp(xmp, kind)) == Metadata()
    found = read(encoded(quarters(), "WEBP", xmp=xmp, exif=camera_exif()))
    assert (found.camera_model, found.keywords) == ("NIKON D90", ())


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_xmp_of_many_megabytes_is_passed_over(kind: str) -> None:
    end = b"<?xpacket end"
    assert read(with_xmp(FINE.replace(end, b" " * (1 << 19) + end), kind)).rating == 3
    assert read(with_xmp(FINE.replace(end, b" " * (50 << 20) + end), kind)) == Metadata()


def test_broken_exif_does_not_cost_the_xmp() -> None:
    content = encoded(quarters(), "WEBP", xmp=FINE, exif=b"Exif\0\0no EXIF at all")
    assert read(content).rating == 3


def test_damage_in_iptc_costs_what_follows_it() -> None:
    good = field(120, b"A dune")
    assert read(with_iptc(good + b"\x1d broken")).caption == "A dune"
    assert read(with_iptc(good + field(25, b"sand")[:-2])).caption == "A dune"
    assert read(with_iptc(good + b"\x1c\2\x19\xff\xff")).keywords == ()
    assert read(with_iptc(b"\x1c\2\x78\x7f\xff")) == Metadata()
    assert read(with_iptc(b"\xff" + good)) == Metadata()


def test_iptc_that_is_noise() -> None:
    rng = np.random.default_rng(0)
    for length in range(0, 400, 7):
        read(with_iptc(b"\x1c\2" + rng.bytes(length)))
        read(encoded(quarters(), "TIFF", tiffinfo={33723: b"\x1c\2" + rng.bytes(length)}))


@pytest.mark.parametrize("value", [7, "text", b"\xff", (1, 2, 70_000), b"\0\xd8" * 5, b""])
def test_windows_fields_of_other_types(value: object) -> None:
    exif = Image.Exif()
    exif[Base.XPTitle] = exif[Base.XPKeywords] = exif[Base.Rating] = value
    try:
        content = encoded(quarters(), "JPEG", exif=exif)
    except Exception:
        pytest.skip("Pillow does not write that")
    found = read(content)
    assert found.caption is None or found.caption.isprintable()


def test_metadata_of_what_is_no_picture() -> None:
    assert metadata_of(b"no picture") is None
    assert metadata_of(encoded(quarters(), "PNG")[:-40]) is None


# What is not a picture


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "HEIF"])
def test_truncated_file(kind: str) -> None:
    noise = Image.effect_noise((120, 120), 60).convert("RGB")
    content = encoded(noise, kind)
    refusal(content[: len(content) // 2])


def test_truncated_heic() -> None:
    content = encoded(Image.effect_noise((120, 120), 60).convert("RGB"), "HEIF")
    refusal(content[: len(content) // 4])


def test_damaged_png_is_not_half_a_picture() -> None:
    content = bytearray(encoded(Image.effect_noise((120, 120), 60), "PNG"))
    content[len(content) // 2] ^= 0xFF
    assert "damaged" in refusal(bytes(content))


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"this is no picture", b"\xff\xd8\xff"])
def test_other_bytes(content: bytes) -> None:
    assert refusal(content) == "it is not in a picture format that can be read"


def test_text_named_as_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "notes.jpg"
    file.write_text("milk, bread, eggs\n" * 20)
    with pytest.raises(PhotoDecodeError, match=r"notes\.jpg: it is not in a picture format"):
        decode_file(file, EDGE)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (300, 2)])
def test_what_shows_nothing(size: tuple[int, int]) -> None:
    assert refusal(encoded(Image.new("RGB", size), "PNG")) == (
        f"{size[0]} x {size[1]} pixels are not a picture"
    )


def test_smallest_picture() -> None:
    assert reopened(Image.new("RGB", (2, 2), "red"), "PNG").image.size == (2, 2)


def test_huge_header_is_refused() -> None:
    assert "10000000000 pixels" in refusal(png(100_000, 100_000))


def test_too_many_pixels_are_refused_before_they_are_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loads: list[object] = []

    def load(image: PngImagePlugin.PngImageFile) -> None:
        loads.append(image)

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", load)
    assert refusal(png(20_000, 20_000)) == "20000 x 20000 pixels are more than 150,000,000"
    assert loads == []


def test_what_counts_are_the_pixels_that_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_DECODED_PIXELS", 1000)
    assert reopened(Image.new("RGB", (200, 200)), "JPEG").width == 200
    assert "more than 1,000" in refusal(encoded(Image.new("RGB", (200, 200)), "PNG"))


# What cannot be read


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PhotoReadError, match="No such file") as caught:
        decode_file(tmp_path / "gone.jpg", EDGE)
    assert caught.value.path == tmp_path / "gone.jpg"


def test_folder_named_as_a_picture(tmp_path: Path) -> None:
    with pytest.raises(PhotoReadError, match="not a regular file"):
        read_bytes(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoReadError, match="not a regular file"):
        read_bytes(tmp_path / "pipe.jpg")


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / "private.jpg").write_bytes(b"x")
    monkeypatch.setattr(Path, "read_bytes", refuse)  # root, who runs tests in CI, may read all
    with pytest.raises(PhotoReadError) as caught:
        read_bytes(tmp_path / "private.jpg")
    assert caught.value.reason == "Permission denied"


def test_file_that_would_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_FILE_BYTES", 1000)
    (tmp_path / "film.jpg").write_bytes(bytes(1001))
    with pytest.raises(PhotoReadError, match="1,001 bytes"):
        read_bytes(tmp_path / "film.jpg")


# Real photos


@pytest.mark.parametrize("scene", ["Landscape", "Portrait"])
def test_real_photos_of_one_scene_are_the_same_upright_picture(shared: Path, scene: str) -> None:
    files = sorted((shared / "orientation").glob(f"{scene}_*.jpg"))
    assert len(files) == 9
    photos = [decode_file(file, 64) for file in files]
    assert len({(photo.width, photo.height) for photo in photos}) == 1
    assert (photos[0].width > photos[0].height) == (scene == "Landscape")
    grey = [np.asarray(photo.image.convert("L").resize((16, 16)), np.float32) for photo in photos]
    for file, seen in zip(files, grey, strict=True):
        # Each of them has its number written in; flipped, they differ by more than 20.
        assert np.abs(seen - grey[0]).mean() < 3, file.name


def test_orientation_folder_holds_nothing_else(shared: Path) -> None:
    scenes = {file.name.split("_")[0] for file in (shared / "orientation").iterdir()}
    assert scenes == {"Landscape", "Portrait"}


@pytest.mark.parametrize("folder", ["formats", "broken"])
def test_every_real_file_is_a_picture_or_has_a_reason(shared: Path, folder: str) -> None:
    files = [file for file in (shared / folder).iterdir() if is_picture_name(file.name)]
    assert files
    for file in files:
        try:
            photo = decode_file(file, 64)
        except PhotoDecodeError as error:
            assert_one_line(error.reason)
            assert folder == "broken", f"{file.name}: {error.reason}"
        else:
            assert photo.image.mode == "RGB"


def test_films_are_not_pictures_by_name(shared: Path) -> None:
    names = {file.name for file in (shared / "formats").iterdir()}
    films = {name for name in names if name.endswith((".mp4", ".mov"))}
    assert films
    assert {name for name in names if not is_picture_name(name)} == films


def test_whole_real_library_decodes(shared: Path) -> None:
    files = sorted((shared / "library").iterdir())
    assert len(files) == 124
    for file in files:
        photo = decode_file(file, 64)
        assert min(photo.image.size) >= min(64, photo.width, photo.height), file.name


def test_real_position(shared: Path) -> None:
    found = decode_file(shared / "library" / "ianare__jpg__gps__DSCN0021.jpg", EDGE).metadata
    assert (found.latitude, found.longitude) == (pytest.approx(43.46708), pytest.approx(11.88454))
    assert (found.camera_model, found.taken_at) == ("COOLPIX P6000", "2008-10-22T16:38:20")


def test_real_descriptions(shared: Path) -> None:
    captions = {}
    for file in sorted((shared / "library").iterdir()):
        found = read(file.read_bytes())
        if found.caption is not None:
            captions[file.name.split("__", 1)[1]] = found.caption
        if "mongolels" in file.name:
            # Windows' subject, "Mongolia", is no keyword, and the description comes before it.
            assert (found.rating, found.keywords) == (3, ())
        else:
            assert found.rating is None
    assert captions == {
        "Canon_EOS-1D_Mark_III__via_Adobe_Lightroom_.jpg": "caption",
        "Issue_258__dotnet_.jpg": "The description aka caption (ref2019.1)",
        "metadata__rating__mongolels.jpg": "Mongol Els",
        "Vineyard.jpg": "Christoph Wurst CC-SA 4.0",
    }


def test_real_xmp(shared: Path) -> None:
    found = read((shared / "formats" / "denali.webp").read_bytes())
    assert found.caption == "Denali National Park and Preserve"
