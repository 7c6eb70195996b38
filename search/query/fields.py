"""What can be asked of a photo besides what it shows: the one table of fields.

The parser, its messages, the explanations and the grammar document all come from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pixfind.messages import any_of, said

FIRST_YEAR, LAST_YEAR = 1826, 9999  # from the oldest photo that is left to Python's last year
EXACT = 2**53  # up to here, a float holds every whole number
MANY = 10_000_000  # more than any camera has, pixels or sensitivity
MAX_LIMIT = 100_000
MAX_RADIUS_KM = 20_000  # half-way around the earth
MONTHS = (
    said("January"), said("February"), said("March"), said("April"), said("May"), said("June"),
    said("July"), said("August"), said("September"), said("October"), said("November"),
    said("December"),
)  # fmt: skip


class Kind(Enum):
    """What the values of a field look like; in words, for messages."""

    TEXT = said("text")
    PATH = said("a name")  # kept to the letter, bytes that are not UTF-8 included
    PICTURE = said("a photo's number or a file's path")
    CHOICE = "one of"
    NUMBER = said("a number")
    MONTH = said("a month")
    DATE = said("a date")
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
            return said("one of %(choices)s", choices=", ".join(self.choices))
        return said(
            "%(kind)s such as %(examples)s",
            kind=said("a whole number") if self.whole else self.kind.value,
            examples=any_of(self.examples[:2]),
        )

    @property
    def suggestion(self) -> str:
        """Return a filter that could be typed."""
        return f"{self.name}:{self.examples[0]}"


def _choice(name: str, meaning: str, label: str, *choices: str, setting: bool = False) -> Field:
    return Field(name, Kind.CHOICE, meaning, choices[:2], label, choices, setting=setting)


def _number(
    name: str, meaning: str, label: str, high: float, *examples: str, unit: str = ""
) -> Field:
    return Field(name, Kind.NUMBER, meaning, examples, label, (), 0, high, unit=unit)


_TABLE = (
    Field("folder", Kind.PATH,
          said("in a folder of that name or path; one copy of the photo is enough"),
          ("2019", "trips/*"), said("folder is")),
    Field("file", Kind.PATH,
          said("the file's name, or that of a copy, which may lie in any folder"),
          ("IMG_*", '"my photo.jpg"'), said("file is")),
    _choice("type", said("a photo or a video"), said("type is"), "photo", "video"),
    Field("camera", Kind.TEXT,
          said("the camera's maker or model; behind =, all of the name as shown"),
          ("canon", '"EOS 450D"', '"=Canon EOS 5D"'), said("camera is")),
    Field("lens", Kind.TEXT, said("the lens"), ("50mm", '"EF-S*"'), said("lens is")),
    Field("date", Kind.DATE, said("when it was taken"), ("2019", "2019..2021-06"), said("taken")),
    Field("year", Kind.NUMBER, said("the year in which it was taken"), ("2019", "2019..2021"),
          said("year"), (), FIRST_YEAR, LAST_YEAR, True),
    Field("month", Kind.MONTH, said("the month in which it was taken, in any year"),
          ("6", "june..august"), said("month"), (), 1, 12, True),
    _choice("has", said("what is known of it: its place, tags, a caption"), said("has"), "gps",
            "tag", "caption"),
    Field("near", Kind.AREA,
          said("taken within a radius in m, km (which is meant without a unit) or mi"),
          ("48.137,11.575,10km", "-33.86,151.2,500m")),
    _number("width", said("the upright picture's width in pixels"), said("width"), MANY,
            "3000", ">3000", unit="px"),
    _number("height", said("its height in pixels"), said("height"), MANY,
            "2000", "<=2000", unit="px"),
    _choice("orientation", said("the upright picture's shape"), said("orientation is"),
            "landscape", "portrait", "square"),
    Field("tag", Kind.TEXT, said("a tag"), ("family", '"summer trip"'), said("tag is")),
    _number("rating",
            said("stars, 0 where there are none; what is marked as rejected has no rating"),
            said("rating"), 5, "5", ">=3"),
    _number("iso", said("the sensitivity"), said("iso"), MANY, "400", ">=1600"),
    _number("focal", said("the focal length in millimetres, to two decimals"), said("focal"), MANY,
            "50", "24..70", unit="mm"),
    _number("aperture", said("the f-number, to two decimals"), said("aperture"), MANY,
            "2.8", "<=4"),
    Field("seen", Kind.DATE, said("when the library first saw it"), ("2024", ">2024-05"),
          said("first seen")),
    Field("id", Kind.NUMBER, said("the photo's number in the library"), ("12", "100..200"),
          said("id"), (), 0, EXACT, True),
    Field("like", Kind.PICTURE,
          said("looks like a photo of the library, like a file, or a part of one"),
          ("12", "holiday.jpg", "12@0.1,0.2,0.3,0.4")),
    _choice("sort", said("the order: best match, oldest or newest first, or by name"), "",
            "relevance", "date", "-date", "name", setting=True),
    Field("limit", Kind.NUMBER, said("how many results at most, up to %(most)s", most=MAX_LIMIT),
          ("20", "100"), "", (), 1, MAX_LIMIT, True, setting=True),
    Field("score", Kind.NUMBER, said("the probability of a match, from 0 to 1"),
          (">0.5", "0.2..0.8"), said("probability"), (), 0, 1, setting=True),
)  # fmt: skip

FIELDS = {field.name: field for field in _TABLE}
