"""Descriptions that cameras and programs write by themselves, and that so say nothing."""

from __future__ import annotations

import re

_MAKERS = (
    "agfa|agfaphoto|aiptek|benq|bushnell|canon|casio|epson|fuji|fujifilm|htc|huawei|kodak|konica"
    "|kyocera|leica|lg|medion|minolta|moultrie|nikon|olympus|panasonic|pentax|polaroid|reconyx"
    "|ricoh|rollei|samsung|sanyo|sigma|sony|toshiba|vivitar"
)
# A maker, a kind of camera, or both: "SONY DSC", "KODAK Digital Still Camera", "SAMSUNG".
_DEVICE = re.compile(
    rf"(?:(?:{_MAKERS})\b\W*)+(?:(?:digital|still|video|game|action)\W+)*"
    r"(?:camera|cam|camcorder|dsc)?(?: pictures)?"
    r"|(?:digital )?(?:(?:still|video|game) )?camera"
)
# The texts that iNaturalist, PhotoPrism and KPhotoAlbum pass over, and those of the test photos.
# The short ones are what phones (most of them Huawei's) call their kinds of shots.
_EXACT = frozenset(
    {
        "ascii", "binary comment", "charset=ascii", "created by imlib", "dcf 1.0",
        "dcim", "default", "digital image", "dvc 10.1 hdmi", "exif jpeg", "exif_jpeg_picture",
        "exif jpeg picture", "hellomoto", "iclarified", "image", "jpeg", "jpg",
        "kenox s1050 / samsung s1050", "my beautiful picture", "n/a", "none", "null", "photo",
        "picture", "undefined", "unknown", "untitled", "user comments", "x-default",
        "_cuva", "bsh", "btf", "btfhdr", "btfmdn", "btr", "burst", "cof", "dav", "edf", "fbt",
        "fbthdr", "frem", "frontbhdp", "fshbty", "hdr", "hdrpl", "mde", "mde_soft", "mon", "nor",
        "ozedf", "oznor", "oznorwo", "ptr", "qrf", "rbt", "rhdr", "rpt", "sdr_hdrb", "smart",
    }
)  # fmt: skip
_BEGINNINGS = (
    "created with",
    "dcim/",
    "dcim\\",
    "lead technologies",
    "processed with",
    "<digimax",
    "<kenox",
)
# The names that cameras give to files, in place of a description.
_FILE_NAME = re.compile(
    r"(?:(?:img|imgp|dsc|dscn|dscf|pict|cimg|sam|pxl|dji)[_-]?|_dsc|p(?=\d{7}))\d{3,}\S*"
)
_CODE = re.compile(r"[A-Z0-9]+(?:[-_.][A-Z0-9]+)*|[0-9a-f]+(?:-[0-9a-f]+)*")
_SWITCH = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_SHORTEST_CODE = 8
_NO_WORD = re.compile(r"[\d\s!-@\[-`{-~]*")  # digits and punctuation; an emoji says something


def is_written_by_camera(text: str, *camera: str) -> bool:
    """Return whether nobody wrote that description.

    Args:
        text: in one line.
        camera: make and model of the picture's own camera.
    """
    plain = text.casefold()
    own = [" ".join(name.split("\0", 1)[0].split()).casefold() for name in camera]
    return (
        plain in _EXACT
        or plain in (*own, " ".join(own))
        or plain.startswith(_BEGINNINGS)
        or any(p.fullmatch(plain) for p in (_NO_WORD, _DEVICE, _FILE_NAME))
        or _is_code(text)
    )


def _is_code(text: str) -> bool:
    """Tell serial numbers ("M2E1L0-0R336B386") from names ("A380-800", "CV-22B")."""
    return (
        len(text) >= _SHORTEST_CODE
        and _CODE.fullmatch(text) is not None
        and len(_SWITCH.findall(text)) >= 3  # noqa: PLR2004 - names change once or twice
    )
