"""What pocket's model.json says for people, and the card that is printed from it.

python -m training.card

writes both again after a change of the words here; the figures stay those that were measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pixfind.encoders.model_files import MODEL_JSON, read_description
from pixfind.evaluation import Evaluation
from pixfind.model_card import model_card

MODEL = Path("data/models/pocket")
CARD = Path("training/MODEL_CARD.md")

TOWERS = [
    {
        "part": "image tower",
        "made of": "EfficientNet-Lite2, in 8-bit integers; the pooled maps of its last layer and "
        "of five stages",
        "learned from": "ImageNet-1k",
        "licence": "Apache-2.0",
    },
    {
        "part": "text tower",
        "made of": "all-MiniLM-L6-v2, read at every layer, tuned with the heads",
        "learned from": "1 billion sentence pairs, and the captions below",
        "licence": "Apache-2.0",
    },
    {
        "part": "heads",
        "made of": "three small networks a tower, and ConSE",
        "learned from": "the photos below",
        "licence": "MIT",
    },
]
METHOD = (
    "A photo is looked at twice, whole and as its enlarged, mirrored centre. An embedding has two "
    "halves. One comes from three pairs of heads, trained from different seeds to bring a photo "
    "and its captions together (LiT, Zhai et al. 2022), whose mean cosine is projected to 384 "
    "numbers; the text tower was tuned in the end. The other needs no captions: the image tower's "
    "ImageNet classes, weighted by how likely they are, meet the text among the embeddings of "
    "their names (ConSE, Norouzi et al. 2014). A text says how much it asks of each half."
)
DATA = [
    {
        "photos": "Flickr8k, training split",
        "texts": "five sentences a photo, by its annotators",
        "terms": "research; neither photos nor captions are part of the model's files",
    },
    {
        "photos": "everyday photos of other kinds",
        "texts": "a sentence and a short query each, written for this project",
        "terms": "for training alone; neither is part of the model's files",
    },
    {
        "photos": "ImageNet-1k, by the image tower's makers",
        "texts": "1,000 classes",
        "terms": "research, non-commercial; the tower's weights are Apache-2.0",
    },
    {
        "photos": None,
        "texts": "1 billion sentence pairs, by the text tower's makers",
        "terms": "of many sources, each its own; the tower's weights are Apache-2.0",
    },
]
WEAK = [
    "text in pictures: it cannot read",
    "counting: two dogs are much like five",
    "names of people, places, brands, works of art: it knows none",
    "relations: who does what to whom, what stands left of what",
    'negation: "without a hat" finds hats',
    "languages other than English",
    "drawings, screenshots, scanned documents: it has learned from photos",
    "small things in a large picture: it looks at a square of 260 pixels",
    "These follow from how it is made and what it was trained on; no figure here measures them.",
]
WHEN = [
    "when you search for what the list above names, above all names and text in pictures",
    "when the photo that you mean is often not among the first ten",
    "when a model three times as large is no burden: "
    "`pixfind models add ViT-B-32 laion2b_s34b_b79k`, then "
    "`pixfind index --model ViT-B-32-laion2b_s34b_b79k`",
]
PARAMETERS = "52 million"  # of both graphs together
# Recall@1 and @5 of zero-shot text-to-image retrieval. Rows of files of mlfoundations/open_clip at
# commit 05e7db4987eda177906dc164b4c3ebeb39a9991a: docs/openclip_retrieval_results.csv and, for
# ImageNet, docs/openclip_classification_results.csv.
PUBLISHED = [
    {
        "model": "ViT-B-32 openai",
        "parameters": "151 million",
        "ImageNet-1k top-1": "0.633",
        "Flickr8k R@1, R@5": None,
        "Flickr30k R@1, R@5": "0.588, 0.836",
        "MSCOCO R@1, R@5": "0.304, 0.559",
    },
    {
        "model": "ViT-B-32 laion2b_s34b_b79k",
        "parameters": "151 million",
        "ImageNet-1k top-1": "0.666",
        "Flickr8k R@1, R@5": None,
        "Flickr30k R@1, R@5": "0.668, 0.884",
        "MSCOCO R@1, R@5": "0.393, 0.654",
    },
    {
        "model": "ViT-B-16-SigLIP webli",
        "parameters": "203 million",
        "ImageNet-1k top-1": "0.760",
        "Flickr8k R@1, R@5": None,
        "Flickr30k R@1, R@5": "0.747, 0.923",
        "MSCOCO R@1, R@5": "0.478, 0.724",
    },
]
NOTES = [
    "R@k is recall@k of text-to-image retrieval. Not directly comparable: every column has photos "
    "and captions of its own, and the larger models are measured zero-shot, while pocket has been "
    "trained on Flickr8k's training split.",
    "pocket: as above. The others: OpenCLIP's own evaluation, github.com/mlfoundations/open_clip "
    "at commit 05e7db4, docs/openclip_retrieval_results.csv (image retr. R@1 and R@5; params) and "
    "docs/openclip_classification_results.csv (ImageNet 1k). As its docs/PRETRAINED.md says, it "
    "follows DataComp (Gadre et al. 2023): Flickr30k's 1,000 test photos, MSCOCO's 5,000 of 2014.",
]
MEANING = (
    "recall@k is the share of texts whose photo is among the k best of all photos of the set, the "
    "median rank that of the photo; ece@10 is how far the probabilities of the ten best photos "
    "are from the share of right ones. hit@k is the share of queries with a right photo among the "
    "k best, mrr the mean of 1 / the rank of the first. top@k is the share of photos with a right "
    "name among the k best of 1,000. No weight of the "
    "heads and towers was trained on these photos. The recipe was chosen on Flickr8k dev and on "
    "another tenth of the everyday photos, and the share of ConSE and the calibration are fitted "
    "on them, so that Flickr8k dev is no test; that names need a larger share of ConSE was seen on "
    "the names' photos too. Those are the everyday photos kept apart, and of the library, that "
    "plainly show one of ImageNet's classes, labelled by eye; the image tower has learned these "
    "classes, so this is how well they are named and no zero-shot figure to compare with others. "
    "Five of the 931 everyday photos kept apart have a near twin among those trained on."
)
TEST_SET = "Flickr8k test"
NAMES_SET = "ImageNet's 1,000 names"
DIGITS = 4
FLICKR = "pixfind eval ../shared/training/flickr8k"
EVERYDAY = "pixfind eval ../shared/training/everyday --split training/everyday_test.txt"
# What a set is called here, and the command that prints its figures.
SETS = {
    "Flickr8k dev": f"{FLICKR} --split split_dev.txt",
    TEST_SET: f"{FLICKR} --split split_test.txt",
    "everyday, kept apart: sentences": EVERYDAY,
    "everyday, kept apart: short queries": f"{EVERYDAY} --column 3",
    "a small photo library": "pixfind eval ../shared/photos/library "
    "--queries training/library_queries.tsv",
    NAMES_SET: "pixfind eval ../shared --classes training/imagenet_names.tsv",
}


@dataclass(frozen=True)
class Measured:
    """A set of photos, and what was measured on it.

    Args:
        set: what it is called here.
        photos: how many it has.
        texts: how many texts were searched for.
        command: what prints the figures.
        figures: by measure.
        intervals: the 95% intervals of those that have one, by measure.
    """

    set: str
    photos: int
    texts: int
    command: str
    figures: Mapping[str, float]
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)


def measured(name: str, got: Evaluation) -> Measured:
    """Return what was measured on one of ``SETS``, for the card."""
    values, intervals = {}, {}
    for key, of in got.measures.items():
        measure = key.replace("_", " ")
        values[measure] = round(of.value, DIGITS)
        intervals[measure] = [round(of.low, DIGITS), round(of.high, DIGITS)]
    return Measured(name, got.images, got.texts, SETS[name], values, intervals)


def about(sets: Sequence[Measured], recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what model.json says under ``about``.

    Args:
        sets: what was measured.
        recipe: every number of the training run, and how many photos it saw.
    """
    rows = [
        {
            "set": of.set,
            "measure": measure,
            "value": value,
            "95% interval": list(of.intervals[measure]) if measure in of.intervals else None,
        }
        for of in sets
        for measure, value in of.figures.items()
    ]
    named = [
        {"set": of.set, "photos": of.photos, "texts": of.texts, "printed by": of.command}
        for of in sets
    ]
    return {"quality": {"sets": named, "figures": rows, "meaning": MEANING}, **words(rows, recipe)}


def words(rows: Sequence[Mapping[str, Any]], recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return all but the figures, which the words of pocket's own row come from."""
    recall = {row["measure"]: f"{row['value']:.3f}" for row in rows if row["set"] == TEST_SET}
    both = [recall[measure] for measure in ("recall@1", "recall@5") if measure in recall]
    own = {
        "model": "pocket",
        "parameters": PARAMETERS,
        "ImageNet-1k top-1": None,
        "Flickr8k R@1, R@5": ", ".join(both) or None,
    }
    return {
        "what it is bad at": WEAK,
        "when to use a larger model": WHEN,
        "larger models": {"published figures": [own, *PUBLISHED], "sources": NOTES},
        "towers": TOWERS,
        "method": METHOD,
        "training data": DATA,
        "recipe": dict(recipe),
    }


def write_card(folder: Path, file: Path) -> None:
    """Write what ``pixfind models show`` prints of the model, were it the bundled one."""
    description = read_description(folder, folder.name)
    size = sum(part.stat().st_size for part in folder.iterdir())
    text = model_card(description, size, bundled=True)
    file.write_text(text + "\n", "utf-8")


def main() -> None:
    """Write ``about`` and the card again."""
    parser = argparse.ArgumentParser(prog="python -m training.card", description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL, help="the model folder to describe")
    parser.add_argument("--card", type=Path, default=CARD, help="the file to write")
    asked = parser.parse_args()
    description = read_description(asked.model, asked.model.name)
    known = description.about
    quality = {**known["quality"], "meaning": MEANING}
    renewed = {"quality": quality, **words(quality["figures"], known["recipe"])}
    described = replace(description, about=renewed)
    (asked.model / MODEL_JSON).write_text(described.to_json(), "utf-8")
    write_card(asked.model, asked.card)


if __name__ == "__main__":
    main()
