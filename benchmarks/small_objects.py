"""Photos with a small object each, composed of real photos: what ``regions`` is measured on.

A line of ``small_objects.tsv`` is one of them: the split, a query, a photo of the object, a photo
to put it into, where (shares of the room that is left beside it), and its share of the area. The
photos themselves are not part of the project: they lie in ``../shared``. Objects of dev and of test
are those splits' own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

LIST = Path(__file__).parent / "small_objects.tsv"
SHARED = Path(__file__).parents[2] / "shared"
OBJECTS = SHARED / "training" / "everyday" / "images"
FLICKR8K = SHARED / "training" / "flickr8k"
# Photos to put objects into: for test photos as cameras take them, for dev those of Flickr8k.
BACKGROUNDS = {"test": SHARED / "photos" / "library", "dev": FLICKR8K / "images"}
EDGE, QUALITY = 1024, 92
# How much of an object's photo fades into what is around it, at each side.
SOFT = 0.06


@dataclass(frozen=True)
class SmallObject:
    """A query and the photo that is to be composed for it; ``file`` is what that is called."""

    query: str
    object: Path
    background: Path
    left: float
    top: float
    area: float
    file: str

    def compose(self) -> Image.Image:
        """Return the background, its longer side ``EDGE``, with the object in it."""
        frame = enlarged(self.background)
        x, y, side = self._square(*frame.size)
        with Image.open(self.object) as opened:
            cut = opened.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        frame.paste(cut, (x, y), _mask(side))
        return frame

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the object, in shares of the photo's width and height."""
        with Image.open(self.background) as opened:
            width, height = opened.size
        x, y, side = self._square(width, height)
        return (x + side / 2) / width, (y + side / 2) / height

    def _square(self, width: int, height: int) -> tuple[int, int, int]:
        """Return the left, the top and the edge of the object in a photo, in pixels."""
        side = round((self.area * width * height) ** 0.5)
        return round(self.left * (width - side)), round(self.top * (height - side)), side


def small_objects(split: str) -> list[SmallObject]:
    """Return the photos to compose, of ``dev`` or of ``test``."""
    found = []
    for number, line in enumerate(LIST.read_text("utf-8").splitlines()):
        of, query, name, background, left, top, area = line.split("\t")
        if of == split:
            place = (float(left), float(top), float(area))
            behind = BACKGROUNDS[split] / background
            found.append(SmallObject(query, OBJECTS / name, behind, *place, f"{number:03}.jpg"))
    return found


def write(split: str, folder: Path, others: int) -> None:
    """Write the composed photos of a split into a folder, and so many others, each as large.

    The others are those of the same kind that nothing was put into, and photos of Flickr8k's same
    split.
    """
    wanted = small_objects(split)
    for item in wanted:
        item.compose().save(folder / item.file, quality=QUALITY)
    taken = {item.background for item in wanted}
    rest = [photo for photo in _others(split) if photo not in taken]
    for number, photo in enumerate(rest[:others]):
        enlarged(photo).save(folder / f"other-{number:03}.jpg", quality=QUALITY)


def enlarged(photo: Path) -> Image.Image:
    """Return a photo whose longer side is ``EDGE``, so that all have as many regions."""
    with Image.open(photo) as opened:
        image = opened.convert("RGB")
    scale = EDGE / max(image.size)
    size = (round(scale * image.width), round(scale * image.height))
    return image.resize(size, Image.Resampling.LANCZOS)


def _others(split: str) -> Iterator[Path]:
    if split == "test":
        yield from sorted(BACKGROUNDS["test"].iterdir())
    names = (FLICKR8K / f"split_{split}.txt").read_text("utf-8").split()
    yield from (FLICKR8K / "images" / name for name in names)


def _mask(side: int) -> Image.Image:
    """Return how much of the object is seen: all in the middle, nothing at its edge."""
    soft = max(1, round(SOFT * side))
    mask = Image.new("L", (side, side), 0)
    box = (soft, soft, side - soft, side - soft)
    ImageDraw.Draw(mask).rounded_rectangle(box, radius=2 * soft, fill=255)
    return mask.filter(ImageFilter.GaussianBlur(soft / 2))
