"""What can be asked of a photo besides what it shows: the one table of fields.

The parser, its messages, the explanations and the grammar document all come from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

FIRST_YEAR, LAST_YEAR = 1826, 9999  # from the oldest photo that is left to Python's last year
EXACT = 2**53  # up to here, a float holds every whole number
MANY = 10_000_000  # more than any camera has, pixels or sensitivity
MAX_LIMIT = 100_000
MAX_RADIUS_KM = 20_000  # half-way around the earth
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Kind(Enum):
    """What the values of a field look like; in words, for messages."""

    TEXT = "text"
    PATH = "a name"  # kept to the letter, bytes that are not UTF-8 included
    PICTURE = "a photo's number or a file's path"
    CHOICE = "one of"
    NUMBER = "a number"
    MONTH = "a month"
    DATE = "a date"
    AREA = "LATITUDE,LONGITUDE,RADIUS"


@dataclass(frozen=True)
class Field:
    """One field: its values, their limits (in ``unit``), and how it is explained.

    ``examples`` are values, the first one worth suggesting. ``label`` begins the explanation of a
    filter. A ``setting`` (sort, limit, score) is about the results: it is there once at most, has
    one value and cannot be negated.
    """

    name: str
    kind: Kind
    meaning: str
    examples: tuple[str, ...]
    label: str = ""
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    whole: bool = False
    unit: str = ""
    setting: bool = False

    @property
    def expected(self) -> str:
        """Say what its values look like, for example ``a number such as 3000 or >3000``."""
        if self.kind is Kind.CHOICE:
            return f"one of {', '.join(self.choices)}"
        noun = "a whole number" if self.whole else self.kind.value
        return f"{noun} such as {' or '.join(self.examples[:2])}"

    @property
    def suggestion(self) -> str:
        """Return a filter that could be typed."""
        return f"{self.name}:{self.examples[0]}"


def _choice(name: str, meaning: str, label: str, *choices: str, setting: bool = False) -> Field:
    return Field(name, Kind.CHOICE, meaning, choices[:2], label, choices, setting=setting)


def _number(name: str, meaning: str, high: float, *examples: str, unit: str = "") -> Field:
    return Field(name, Kind.NUMBER, meaning, examples, name, (), 0, high, unit=unit)


_TABLE = (
    Field("folder", Kind.PATH, "in a folder of that name or path; one copy of the photo is enough",
          ("2019", "trips/*"), "folder is"),
    Field("file", Kind.PATH, "the file's name, or that of a copy, which may lie in any folder",
          ("IMG_*", '"my photo.jpg"'), "file is"),
    _choice("type", "a photo or a video", "type is", "photo", "video"),
    Field("camera", Kind.TEXT, "the camera's maker or model; behind =, all of the name as shown",
          ("canon", '"EOS 450D"', '"=Canon EOS 5D"'), "camera is"),
    Field("lens", Kind.TEXT, "the lens", ("50mm", '"EF-S*"'), "lens is"),
    Field("date", Kind.DATE, "when it was taken", ("2019", "2019..2021-06"), "taken"),
    Field("year", Kind.NUMBER, "the year in which it was taken", ("2019", "2019..2021"), "year",
          (), FIRST_YEAR, LAST_YEAR, True),
    Field("month", Kind.MONTH, "the month in which it was taken, in any year",
          ("6", "june..august"), "month", (), 1, 12, True),
    _choice("has", "what is known of it: its place, tags, a caption", "has", "gps", "tag",
            "caption"),
    Field("near", Kind.AREA, "taken within a radius in m, km (which is meant without a unit) or mi",
          ("48.137,11.575,10km", "-33.86,151.2,500m")),
    _number("width", "the upright picture's width in pixels", MANY, "3000", ">3000", unit="px"),
    _number("height", "its height in pixels", MANY, "2000", "<=2000", unit="px"),
    _choice("orientation", "the upright picture's shape", "orientation is", "landscape",
            "portrait", "square"),
    Field("tag", Kind.TEXT, "a tag", ("family", '"summer trip"'), "tag is"),
    _number("rating", "stars, 0 where there are none; what is marked as rejected has no rating", 5,
            "5", ">=3"),
    _number("iso", "the sensitivity", MANY, "400", ">=1600"),
    _number("focal", "the focal length in millimetres, to two decimals", MANY, "50", "24..70",
            unit="mm"),
    _number("aperture", "the f-number, to two decimals", MANY, "2.8", "<=4"),
    Field("seen", Kind.DATE, "when the library first saw it", ("2024", ">2024-05"), "first seen"),
    Field("id", Kind.NUMBER, "the photo's number in the library", ("12", "100..200"), "id",
          (), 0, EXACT, True),
    Field("like", Kind.PICTURE, "looks like a photo of the library, like a file, or a part of one",
          ("12", "holiday.jpg", "12@0.1,0.2,0.3,0.4")),
    _choice("sort", "the order: best match, oldest or newest first, or by name", "", "relevance",
            "date", "-date", "name", setting=True),
    Field("limit", Kind.NUMBER, f"how many results at most, up to {MAX_LIMIT}", ("20", "100"),
          "", (), 1, MAX_LIMIT, True, setting=True),
    Field("score", Kind.NUMBER, "the probability of a match, from 0 to 1", (">0.5", "0.2..0.8"),
          "probability", (), 0, 1, setting=True),
)  # fmt: skip

FIELDS = {field.name: field for field in _TABLE}
