"""What is known of a photo, part by part: what descriptions are written from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pixfind.parts import Box


@dataclass(frozen=True)
class Facts:
    """What the file says of itself, and people of it.

    ``taken_at`` is the camera's local time, ISO 8601; latitude and longitude are degrees, north
    and east positive; ``rating`` is 1 to 5 stars. ``tags`` are those that it has in the library.
    """

    taken_at: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    caption: str | None = None
    rating: int | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A thing in the photo.

    Args:
        name: "a dog".
        probability: that it is there, at least.
        place: where in the frame, in words, if that is clear.
        box: of the tile that shows it, in shares of the picture, if that is clear.
    """

    name: str
    probability: float
    place: str | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Account:
    """A photo's description.

    Args:
        sentence: one sentence.
        alt: the same for those who cannot see it, 125 characters at most.
        long: several sentences, with all that follows.
        subjects: what it shows, the most certain first.
        people: how many people, where that is certain.
        scene: where it is, for example "a beach".
        light: "at night", "dark", ...
        colours: what takes much of the picture, measured.
        black_and_white: whether it has no colours.
        facts: what the file says.
        model: the model's name.
        written_by: its own ``decoder``, or a guided ``search``.
        calibrated: whether the model's probabilities mean what they say.
    """

    sentence: str
    alt: str
    long: str
    subjects: tuple[Subject, ...]
    people: int | None
    scene: str | None
    light: str | None
    colours: tuple[str, ...]
    black_and_white: bool
    facts: Facts
    model: str
    written_by: Literal["decoder", "search"]
    calibrated: bool

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return asdict(self)
