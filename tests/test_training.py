"""What makes the bundled model: its data, its views, its heads and gate, its 8-bit tower.

Everything here is tiny and made on the spot; the towers' published weights are not needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from PIL import Image, ImageDraw
from torch import Tensor, nn

from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.model_card import model_card

ROOT = Path(__file__).resolve().parents[1]
with pytest.MonkeyPatch.context() as path:
    path.syspath_prepend(ROOT)  # training is not installed
    from training import (
        calibrate,
        captions,
        card,
        conse,
        export,
        gate,
        heads,
        quantise,
        simulated_library,
        towers,
        views,
    )
    from training.captions import Photo
    from training.heads import Ensemble, Examples, Pair, Recipe

LISTS = ROOT / "training"


@pytest.fixture(autouse=True)
def torch_as_before() -> Iterator[None]:
    """What is this small takes one thread; training rounds the smallest numbers to nothing."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def units(*shape: int, seed: int = 0) -> Tensor:
    return nn.functional.normalize(draw(*shape, seed=seed), dim=-1)


def lines_of(name: str) -> list[list[str]]:
    text = (LISTS / name).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines()]


# The data.


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five photos of each set; of the everyday ones 1 is to choose by and 3 is kept apart."""
    flickr, everyday = tmp_path / "flickr8k", tmp_path / "everyday"
    for folder in (flickr, everyday):
        folder.mkdir()
    said = [f"f{n}.jpg\tA dog runs .\nf{n}.jpg\tDr. Who sits\n" for n in range(5)]
    (flickr / "captions.tsv").write_text("".join(said), "utf-8")
    for split, names in (("train", "f4.jpg\nf0.jpg"), ("dev", "f1.jpg"), ("test", "f2.jpg")):
        (flickr / f"split_{split}.txt").write_text(names + "\n", "utf-8")
    asked = [f"e{n}.webp\tA red cup on a table.\tred cup {n}\n" for n in range(5)]
    (everyday / "captions.tsv").write_text("".join(asked), "utf-8")
    for split, name in (("DEV", "e1.webp"), ("TEST", "e3.webp")):
        file = tmp_path / f"{split}.txt"
        file.write_text(name + "\n", "utf-8")
        monkeypatch.setattr(captions, f"EVERYDAY_{split}", file)
    return tmp_path


def names(photos: Sequence[Photo]) -> list[str]:
    return [photo.path.name for photo in photos]


def test_training_sees_no_photo_of_the_other_splits(data: Path) -> None:
    splits = captions.read_splits(data)
    assert names(splits.train) == ["f4.jpg", "f0.jpg", "e0.webp", "e2.webp", "e4.webp"]
    assert names(splits.flickr_dev) == ["f1.jpg"]
    assert names(splits.everyday_dev) == ["e1.webp"]
    assert splits.train[0].path == data / "flickr8k" / "images" / "f4.jpg"


def test_flickr_sentences_lose_their_lonely_full_stop(data: Path) -> None:
    splits = captions.read_splits(data)
    for photo in (splits.train[0], *splits.flickr_dev):
        assert (photo.sentences, photo.query) == (("A dog runs", "Dr. Who sits"), None)


def test_everyday_photos_keep_their_short_query(data: Path) -> None:
    (chosen_by,) = captions.read_splits(data).everyday_dev
    assert (chosen_by.sentences, chosen_by.query) == (("A red cup on a table.",), "red cup 1")


def test_everyday_photos_to_choose_by_and_those_kept_apart_are_others() -> None:
    listed = [file.read_text("utf-8").split() for file in (captions.EVERYDAY_DEV,
                                                           captions.EVERYDAY_TEST)]  # fmt: skip
    assert [len(set(of)) for of in listed] == [len(of) for of in listed] == [931, 931]
    assert not set(listed[0]) & set(listed[1])


def is_inside(photo: str) -> bool:
    return photo == photo.strip() != "" and not photo.startswith("/") and ".." not in photo


def test_library_queries_are_well_formed() -> None:
    rows = lines_of("library_queries.tsv")
    queries = [row[0] for row in rows]
    assert len(set(queries)) == len(queries)
    for query, *photos in rows:
        assert query == query.lower().strip() != ""
        assert len(set(photos)) == len(photos) > 0
        assert all(map(is_inside, photos))


def test_imagenet_names_are_the_classifiers_in_its_order() -> None:
    rows = lines_of("imagenet_names.tsv")
    assert [row[0] for row in rows] == [texts[0] for texts in conse.class_texts()]
    assert len(rows) == towers.CLASSES


def test_photos_of_imagenet_names_were_kept_apart() -> None:
    apart = {f"training/everyday/images/{name}"
             for name in captions.EVERYDAY_TEST.read_text("utf-8").split()}  # fmt: skip
    for _, *photos in lines_of("imagenet_names.tsv"):
        assert len(set(photos)) == len(photos)
        assert all(map(is_inside, photos))
        assert all(photo in apart or photo.startswith("photos/library/") for photo in photos)


# The libraries that the cutoff is chosen in.


def captioned(*texts: str, query: str | None = None) -> Photo:
    return Photo(Path("none.jpg"), texts, query)


def test_queries_of_the_dev_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated_library, "COMMONEST", 0.6)
    queries = simulated_library.dev_queries([
        captioned("A dog runs on grass", "Dogs on the grass"),
        captioned("Two ladies with a red cup.", query="red cup"),
        captioned("A red bus.", query="Red bus"),
        captioned("A cup, red as a tomato.", query="cup of tea"),
    ])  # fmt: skip
    kinds = dict(zip(queries.texts, queries.kinds, strict=True))
    found = {text: set(np.flatnonzero(row)) for text, row in zip(queries.texts, queries.matches,
                                                                 strict=True)}  # fmt: skip
    unsure = {text: set(np.flatnonzero(row)) for text, row in zip(queries.texts, queries.unsure,
                                                                  strict=True)}  # fmt: skip
    assert (kinds["red cup"], found["red cup"], unsure["red cup"]) == ("short", {1, 3}, {2})
    assert (kinds["red bus"], found["red bus"]) == ("short", {2})
    assert (found["cup of tea"], unsure["cup of tea"]) == ({3}, {1})
    (sentence,) = [text for text, kind in kinds.items() if kind == "sentence"]
    assert found[sentence] == {0}
    assert "red" not in kinds, "three letters, and most photos have it"
    pictures = simulated_library.photos_as_queries([captioned(), captioned(query="red cup")],
                                                   queries)  # fmt: skip
    assert (pictures.own.tolist(), pictures.kinds) == ([1], ["picture"])
    assert pictures.matches[0].tolist() == [False, False, False, True], "never itself"
    assert pictures.unsure[0].tolist() == [False, True, True, False]


def test_libraries_hold_what_half_of_the_queries_match() -> None:
    rng = np.random.default_rng(0)
    matches = rng.random((200, 50)) < 0.03
    unsure = (rng.random(matches.shape) < 0.1) & ~matches
    own = np.where(np.arange(200) < 50, np.arange(200), -1)
    kinds = ["word"] * 100 + ["picture"] * 100
    queries = simulated_library.Queries([""] * 200, kinds, matches, unsure, own)
    cases = list(simulated_library.libraries(queries, 20, 3, seed=1))
    assert len(cases) == 3 * simulated_library.QUERIES * 2
    for case in cases:
        assert len(set(case.photos)) == len(case.photos) == 20
        assert own[case.query] not in case.photos
        assert np.array_equal(case.matches, matches[case.query, case.photos])
        assert np.array_equal(case.sure, ~unsure[case.query, case.photos])
    share = np.mean([case.matches.any() for case in cases])
    assert 0.4 < share <= 0.5
    again = list(simulated_library.libraries(queries, 20, 3, seed=1))
    assert [case.query for case in cases] == [case.query for case in again]


def test_calibration_of_a_tiny_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain pictures and the names of their colours, through the fake encoder."""
    rng, colours = np.random.default_rng(0), list(FakeEncoder.COLOURS)
    sets: list[list[Photo]] = [[], []]
    for number in range(120):
        colour = colours[number % len(colours)]
        file = tmp_path / f"{number}.png"
        noise = rng.integers(-60, 60, 3)
        rgb = np.clip(np.array(FakeEncoder.COLOURS[colour]) + noise, 0, 255)
        Image.new("RGB", (8, 8), tuple(int(part) for part in rgb)).save(file)
        said = (f"A {colour} picture.",)
        sets[number % 2].append(Photo(file, said, f"{colour} thing" if number % 2 else None))
    monkeypatch.setattr(simulated_library, "COMMONEST", 0.5)
    monkeypatch.setattr(calibrate, "SIZES", {10: 10, 30: 5})
    encoder = FakeEncoder()
    background = calibrate.sample_background(encoder, sets[0] + sets[1])
    fitted = calibrate.calibrate(encoder, sets, background)
    again = calibrate.calibrate(encoder, sets, background)
    assert (fitted.text, fitted.image, fitted.cutoff) == (again.text, again.image, again.cutoff)
    assert fitted.dim == encoder.spec.dim
    assert fitted.text.slope > 0
    assert fitted.image.slope > 0
    assert 0 < fitted.cutoff < 1


# What the tower is shown.


def two_halves(left: str = "red", right: str = "blue") -> Image.Image:
    """Two colours side by side, with a green border that the enlarged centre leaves out."""
    edge, far = 26, views.SIZE - 27
    image = Image.new("RGB", (views.SIZE, views.SIZE), "#0f0")
    pen = ImageDraw.Draw(image)
    pen.rectangle((edge, edge, far, far), left)
    pen.rectangle((views.SIZE // 2, edge, far, far), right)
    return image


def as_bytes(*images: Image.Image) -> Tensor:
    return torch.from_numpy(towers.PREPROCESSING.pixels(images))


def test_both_views_of_every_photo() -> None:
    pixels = as_bytes(two_halves(), Image.new("RGB", (300, 40), "white"))
    both = views.TwoViews()(pixels)
    assert (both.shape, both.dtype) == ((4, 3, 260, 260), torch.float32)
    assert torch.equal(both[:2], towers.normalised(pixels))
    assert torch.allclose(both[3], both[1], atol=1e-5), "what is white stays white"


def test_second_view_is_the_mirrored_enlarged_centre() -> None:
    _, centre = views.TwoViews()(as_bytes(two_halves()))
    middle = views.SIZE // 2
    red, green, blue = torch.tensor([1.0, -1, -1]), -1.0, torch.tensor([-1.0, -1, 1])
    assert torch.allclose(centre[:, :, : middle - 2], blue[:, None, None], atol=1e-5)
    assert torch.allclose(centre[:, :, middle + 2 :], red[:, None, None], atol=1e-5)
    assert torch.allclose(centre[1], torch.tensor(green), atol=1e-5), "the border is gone"


def smooth(seed: int = 0, size: tuple[int, int] = (320, 240)) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def test_training_sees_the_centre_as_it_is_used() -> None:
    photo, rng = towers.PREPROCESSING.fitted(smooth()), np.random.default_rng(0)
    trained = as_bytes(views.centre(photo, rng).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    used = views.TwoViews()(as_bytes(photo))[1]
    assert (towers.normalised(trained)[0] - used).abs().max() < 0.1


def test_views_of_training() -> None:
    known = {"whole": views.whole, "mirrored": views.mirrored, "centre": views.centre}
    more = {f"varied {n}": views.varied for n in range(1, 5)}
    assert {**known, **more} == views.TRAINING
    for view in views.TRAINING.values():
        assert view(smooth(), np.random.default_rng(0)).size == (views.SIZE, views.SIZE)


def test_mirrored_is_whole_mirrored() -> None:
    shown, rng = two_halves("red", "blue"), np.random.default_rng(0)
    assert np.array_equal(views.whole(shown, rng), shown)
    assert np.array_equal(views.mirrored(shown, rng), two_halves("blue", "red"))


def test_varied_depends_on_the_seed_alone() -> None:
    def seen(seed: int) -> bytes:
        return views.varied(smooth(), np.random.default_rng(seed)).tobytes()

    assert [seen(n) for n in range(6)] == [seen(n) for n in range(6)]
    assert len({seen(n) for n in range(6)}) == 6


# The learned part.

IMAGE_WIDTH, TEXT_WIDTH, THINGS = 32, 24, 8
TOY = Recipe(members=2, hidden=16, epochs=15, batch=64, rate=3e-3, image_dropout=0.1,
             text_dropout=0.1)  # fmt: skip


def toy(photos: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images and texts that are, each in its own way, linear in what there is to see."""
    things = draw(photos, THINGS, seed=seed)
    return things @ draw(THINGS, IMAGE_WIDTH, seed=101), things @ draw(THINGS, TEXT_WIDTH, seed=102)


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> Examples:
    """256 photos in two views, with two sentences each; every other one has a short query too."""
    monkeypatch.setattr(heads, "IMAGE_DIM", IMAGE_WIDTH)
    images, texts = toy(256, seed=1)
    noises = [0.1 * draw(*texts.shape, seed=seed) for seed in (2, 3, 4)]
    queries = np.where(np.arange(256) % 2, 512 + np.arange(256), -1)
    return Examples(
        [images.half(), (images + 0.1 * draw(*images.shape, seed=5)).half()],
        [],
        torch.cat([texts + noise for noise in noises]).half(),
        [np.array([row, 256 + row]) for row in range(256)],
        queries,
    )


def untrained(examples: Examples, recipe: Recipe = TOY) -> Pair:
    torch.manual_seed(0)
    return Pair(examples.views[0], examples.features, recipe).eval()


@pytest.fixture
def pairs(examples: Examples) -> list[Pair]:
    return heads.train(examples, TOY)


def test_heads_give_unit_vectors(examples: Examples) -> None:
    pair = untrained(examples)
    images, texts = toy(5, seed=9)
    for vectors in (pair.image(images), pair.text(texts)):
        assert vectors.shape == (5, heads.DIM)
        assert torch.allclose(vectors.norm(dim=1), torch.ones(5), atol=1e-5)


def test_a_photo_is_shown_in_every_view(examples: Examples) -> None:
    rng, photos = np.random.default_rng(0), np.arange(40)
    shown = examples.images(photos, rng)
    from_view = [(shown == view[:40].float()).all(dim=1) for view in examples.views]
    assert torch.equal(from_view[0], ~from_view[1])
    assert 0 < from_view[0].sum() < 40


def test_texts_are_the_photos_own(examples: Examples) -> None:
    rng, photos = np.random.default_rng(0), np.arange(100, 140)
    never = examples.texts(photos, rng, short=0)
    assert set(never - photos) == {0, 256}, "either sentence"
    always = examples.texts(photos, rng, short=1)
    assert np.array_equal(always[1::2], 512 + photos[1::2])
    assert set(always[::2] - photos[::2]) <= {0, 256}, "a sentence where there is no query"


def test_training_brings_photos_and_texts_together(examples: Examples, pairs: list[Pair]) -> None:
    images, texts = toy(64, seed=7)  # training has seen none of them
    before = untrained(examples)
    assert len(pairs) == TOY.members
    for pair in pairs:
        assert not pair.training
        assert pair.loss(images, texts, 0.0) < before.loss(images, texts, 0.0) / 2
        found = (pair.text(texts) @ pair.image(images).T).argmax(dim=1)
        assert (found == torch.arange(64)).float().mean() > 0.5  # by chance, 1 of 64
        assert pair.log_scale.exp() <= heads.LARGEST_SCALE + 1e-3


def weights(pair: Pair) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in pair.parameters()])


def test_a_seed_decides_the_weights(examples: Examples) -> None:
    brief = replace(TOY, epochs=2)
    first, again = (heads.train(examples, brief) for _ in range(2))
    (other, _) = heads.train(examples, replace(brief, seed=10))
    assert [torch.equal(weights(a), weights(b)) for a, b in zip(first, again, strict=True)] == [
        True,
        True,
    ]
    assert not torch.equal(weights(first[0]), weights(first[1]))
    assert not torch.equal(weights(first[0]), weights(other))


def test_projection_keeps_the_cosines(examples: Examples, pairs: list[Pair]) -> None:
    images, texts = toy(64, seed=7)
    # Two sides of two heads, each of the rank of its inputs, hidden units and bias: 178 at most.
    directions = heads.projection(pairs, examples.views[0], examples.features)
    assert directions.shape == (2 * heads.DIM, heads.DIM)
    sides = []
    for side, features in (("image", images), ("text", texts)):
        of_side = [getattr(pair, side) for pair in pairs]
        sides.append((Ensemble(of_side, directions)(features),
                      heads.concatenated(of_side, features)))  # fmt: skip
    (image, all_image), (text, all_text) = sides
    assert image.shape == (64, heads.DIM)
    mean_cosine = all_text @ all_image.T / len(pairs)
    assert torch.allclose(text @ image.T, mean_cosine, atol=1e-3)


def test_ensemble_takes_the_mean_of_the_views(examples: Examples, pairs: list[Pair]) -> None:
    (images, _), (others, _) = toy(6, seed=7), toy(6, seed=8)
    directions = heads.projection(pairs, examples.views[0], examples.features)
    learned = Ensemble([pair.image for pair in pairs], directions)
    once = learned(images)
    assert torch.allclose(learned(torch.cat([images, images]), 2), once, atol=1e-5)
    both = learned(torch.cat([images, others]), 2)
    assert torch.allclose(learned(torch.cat([others, images]), 2), both, atol=1e-5)
    assert not torch.allclose(both, once, atol=0.1)
    # Rows of a view stay with their photo.
    alone = learned(torch.cat([images[2:3], others[2:3]]), 2)
    assert torch.allclose(both[2:3], alone, atol=1e-5)


# The text tower, as small as its features allow.


def small_tower(layers: int = 6) -> towers.TextTower:
    torch.manual_seed(0)
    shape = towers.BertShape(vocabulary=2048, inner=16, layers=layers, positions=16)
    return towers.TextTower(shape).eval()


TOKENS = [[7, 3], [9], [5, 6, 7, 8], [11, 12]]


@torch.no_grad()
def test_padding_does_not_change_a_text() -> None:
    tower = small_tower()
    together = tower(*heads.padded(TOKENS))
    assert together.shape == (4, towers.TEXT_DIM)
    alone = torch.cat([tower(*heads.padded([tokens])) for tokens in TOKENS])
    assert torch.allclose(together, alone, atol=1e-5)


def test_tuning_goes_on_with_all_pairs_and_the_text_tower(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heads, "IMAGE_DIM", IMAGE_WIDTH)
    tower, recipe = small_tower(), replace(TOY, batch=16, tuning_epochs=4)
    images, _ = toy(32, seed=1)
    tokens = [[100 + row, 200 + row] for row in range(32)]
    with torch.no_grad():
        features = tower(*heads.padded(tokens))
    known = Examples([images.half()], tokens, features.half(), [np.array([n]) for n in range(32)],
                     np.full(32, -1))  # fmt: skip
    pairs = [untrained(known, recipe) for _ in range(2)]
    before = [pair.loss(images, features, 0.0).detach() for pair in pairs]
    heads.tune(tower, pairs, known, recipe)
    assert not tower.training
    with torch.no_grad():
        tuned = tower(*heads.padded(tokens))
    assert (tuned - features).abs().max() > 1e-4
    for pair, old in zip(pairs, before, strict=True):
        assert pair.loss(images, tuned, 0.0) < old / 2


# The names of classes, and who asks for them.

CLASS_NAMES = ("cat", "red fox", "tin opener", "lake")


@pytest.fixture
def named_classes(monkeypatch: pytest.MonkeyPatch) -> conse.Conse:
    """ConSE of four classes with two texts each, fitted on photos of every class."""
    texts = [[name, f"a photo of a {name}"] for name in CLASS_NAMES]
    monkeypatch.setattr(conse, "class_texts", lambda: texts)
    logits = 3 * draw(200, len(CLASS_NAMES), seed=3)
    return conse.Conse.fit(read, logits.half(), read([t for group in texts for t in group]))


def read(texts: Sequence[str]) -> Tensor:
    """Stand for a sentence embedding: texts that end alike mean nearly the same."""
    about = [next(n for n, name in enumerate(CLASS_NAMES) if t.endswith(name)) for t in texts]
    said = units(len(CLASS_NAMES), 384, seed=4)[about]
    worded = torch.cat([draw(1, 384, seed=len(text)) for text in texts])
    return nn.functional.normalize(said + 0.01 * worded, dim=-1)


def test_a_photo_is_nearest_to_the_name_of_its_class(named_classes: conse.Conse) -> None:
    photos = named_classes.image(10 * torch.eye(len(CLASS_NAMES)))
    texts = named_classes.text(read([f"there is a {name}" for name in CLASS_NAMES]))
    for vectors in (photos, texts):
        assert torch.allclose(vectors.norm(dim=1), torch.ones(len(CLASS_NAMES)), atol=1e-5)
    cosines = photos @ texts.T
    assert torch.equal(cosines.argmax(dim=1), torch.arange(len(CLASS_NAMES)))
    assert cosines.diag().min() > 0.8


def test_a_photo_between_two_classes_lies_between_their_names(named_classes: conse.Conse) -> None:
    logits = torch.tensor([[5.0, 5.0, -5.0, -5.0]])
    near = (named_classes.image(logits) @ named_classes.text(read(CLASS_NAMES)).T)[0]
    assert near[:2].min() > 0.4
    assert near[2:].max() < 0.0


def two_kinds(kind: int, photos: Tensor) -> gate.Texts:
    """Texts of one kind or the other: one half finds the photo, the other finds the next one."""
    count = len(photos)
    means = units(2, 384, seed=20)[kind]
    sentences = nn.functional.normalize(means + 0.02 * draw(count, 384, seed=21 + kind), dim=-1)
    right, wrong = photos * 2**0.5, photos.roll(1, dims=0) * 2**0.5
    learned, conse = (right, wrong) if kind == 0 else (wrong, right)
    return gate.Texts(sentences, learned[:, :384], conse[:, 384:])


def photos_of_two_halves(count: int) -> Tensor:
    return torch.cat([units(count, 384, seed=30), units(count, 384, seed=31)], dim=1) * 0.5**0.5


@torch.no_grad()
def ratios(fitted: gate.Gate, texts: gate.Texts) -> Tensor:
    vectors = fitted(texts.sentences, texts.learned, texts.conse)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(len(vectors)), atol=1e-5)
    return vectors[:, 384:].norm(dim=1) / vectors[:, :384].norm(dim=1)


def test_gate_gives_each_text_the_half_that_finds_it() -> None:
    photos = photos_of_two_halves(40)
    scenes, things = two_kinds(0, photos), two_kinds(1, photos)
    asked = [gate.Asked(texts, photos, torch.arange(40)) for texts in (scenes, things)]
    fitted = gate.fit(asked, [])
    assert ratios(fitted, things).min() > 3 * ratios(fitted, scenes).max()


def test_gate_learns_from_names_of_classes_too() -> None:
    photos = photos_of_two_halves(40)
    scenes, things = two_kinds(0, photos), two_kinds(1, photos)
    prompts = gate.Texts(*(part.repeat_interleave(2, dim=0) for part in vars(things).values()))
    owners = torch.arange(40)
    fitted = gate.fit([gate.Asked(scenes, photos, owners)],
                      [gate.Named(photos, owners, prompts, each=2)])  # fmt: skip
    assert ratios(fitted, things).min() > 3 * ratios(fitted, scenes).max()


# The files.

TOWER = """
<ir_version: 8, opset_import: ["": 17]>
tower (float[N, 3, 260, 260] pixels) => (float[N, 12] tower_features, float[N, 10] tower_logits) {
    zero = Constant<value_float = 0.0>()
    six = Constant<value_float = 6.0>()
    stem = Conv<kernel_shape = [3, 3], strides = [8, 8]>(pixels, w_stem, b_stem)
    stem_6 = Clip(stem, zero, six)
    deep = Conv<kernel_shape = [3, 3], pads = [1, 1, 1, 1], group = 8>(stem_6, w_deep, b_deep)
    deep_6 = Clip(deep, zero, six)
    point = Conv<kernel_shape = [1, 1]>(deep_6, w_point, b_point)
    wide = Conv<kernel_shape = [3, 3]>(point, w_wide, b_wide)
    pooled = GlobalAveragePool(wide)
    tower_features = Flatten(pooled)
    tower_logits = Gemm<transB = 1>(tower_features, w_class, b_class)
}
"""
SHAPES = {
    "stem": (8, 3, 3, 3),
    "deep": (8, 1, 3, 3),
    "point": (12, 8, 1, 1),
    "wide": (12, 12, 3, 3),
    "class": (10, 12),
}


def tiny_tower(file: Path) -> Path:
    """A tower whose neighbouring weights mostly have the same sign, as they may in any other."""
    model = onnx.parser.parse_model(TOWER)
    rng = np.random.default_rng(0)
    for name, shape in SHAPES.items():
        size = rng.uniform(0.1, 1.0, shape) / np.prod(shape[1:]) ** 0.5
        sign = np.sign(rng.standard_normal((shape[0], *[1] * (len(shape) - 1))))
        weights = {f"w_{name}": size * sign, f"b_{name}": rng.uniform(0, 0.5, shape[0])}
        for key, values in weights.items():
            model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), key))
    onnx.save(model, file)
    return file


@pytest.fixture
def quantised(tmp_path: Path) -> tuple[Path, Path, list[Photo]]:
    """The tiny tower, in float and in 8 bits, and the photos that its ranges are read from."""
    photos = [Photo(tmp_path / f"{seed}.png", ()) for seed in range(10)]
    for seed, photo in enumerate(photos):
        smooth(seed, (40, 30)).save(photo.path)
    exported, file = tiny_tower(tmp_path / "tower.onnx"), tmp_path / "int8.onnx"
    quantise.quantise_tower(exported, photos, file)
    return exported, file, photos


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def stored_weights(file: Path) -> dict[str, np.ndarray]:
    """The 8-bit weights of each multiplication, by the name of what they were made from."""
    graph = onnx.load(file).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    made_by = {node.output[0]: node for node in graph.node}
    weights = {}
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm"):
            source = made_by[node.input[1]]
            assert source.op_type == "DequantizeLinear"
            weights[source.input[0].removesuffix("_quantized")] = stored[source.input[0]]
    return weights


def test_weights_that_meet_in_16_bits_fit_there(quantised: tuple[Path, Path, list[Photo]]) -> None:
    found = stored_weights(quantised[1])
    assert set(found) == {f"w_{name}" for name in SHAPES}
    assert np.abs(found.pop("w_deep").astype(int)).max() == 127  # depthwise: added in 32 bits
    for name, weights in found.items():
        assert weights.dtype == np.int8
        # Two neighbouring channels meet; of a window and all its channels, any two may.
        together = weights[0].size if weights.shape[2:] == (3, 3) else 2
        groups = weights.astype(int).reshape(len(weights), -1, together)
        for sign in (1, -1):
            two = np.sort(np.maximum(sign * groups, 0))[..., -2:].sum(axis=-1)
            assert 100 < two.max() <= 128, name


def test_8_bit_tower_agrees_with_the_float_one(
    quantised: tuple[Path, Path, list[Photo]],
) -> None:
    exported, file, photos = quantised
    pixels = towers.normalised(as_bytes(*(Image.open(photo.path) for photo in photos)))
    wanted, got = (
        export.run(graph, {quantise.INPUT: pixels.numpy()}) for graph in (exported, file)
    )
    assert export.agreement(unit(got), torch.from_numpy(unit(wanted))) > 0.98
    # What all photos share would agree whatever became of what tells them apart.
    centred = [(vectors - wanted.mean(axis=0)).ravel() for vectors in (wanted, got)]
    assert np.corrcoef(centred)[0, 1] > 0.98
    assert not list(file.parent.glob(".*")), "nothing is left of the making"


@pytest.mark.filterwarnings("ignore")  # of torch's exporter, others in each version
def test_text_graph_says_what_its_parts_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(towers, "SENTENCE", slice(384, 2 * 384))
    tower, file = small_tower(layers=1), tmp_path / "text.onnx"
    with torch.no_grad():
        features = tower(*heads.padded(TOKENS))
    pair = Pair(draw(4, IMAGE_WIDTH), features, TOY)
    directions = torch.eye(heads.DIM)
    classes = conse.Conse(units(5, 384), torch.zeros(384), 0.1 * units(384))
    module = export.PocketText(tower, Ensemble([pair.text], directions), classes, gate.Gate())
    export.export_text(module.eval(), file)
    ids, mask = heads.padded(TOKENS)
    got = export.run(file, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
    with torch.no_grad():
        assert export.agreement(got, module(ids, mask)) > 0.995
    stored = sum(weight.numel() for weight in module.parameters())
    assert file.stat().st_size < 1.5 * stored, "about a byte a weight, not four"


# What is said of it.


def test_card_has_every_figure() -> None:
    sets = [
        card.Measured(card.TEST_SET, 11, 55, "pixfind eval a",
                      {"recall@1": 0.3141, "recall@5": 0.5926, "median rank": 3.0},
                      {"recall@1": [0.3021, 0.3262]}),
        card.Measured("other photos", 7, 9, "pixfind eval b", {"mrr": 0.7182}),
    ]  # fmt: skip
    about = card.about(sets, {"photos": 1234, "hidden": 16})
    described = replace(ModelStore(Path("nowhere")).describe("pocket"), about=about)
    printed = model_card(described, 1, bundled=True).splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed if "|" in line]
    assert {"photos 1,234; hidden 16"} <= set(printed)
    assert [card.TEST_SET, "recall@1", "0.3141", "0.3021 to 0.3262"] in rows
    assert [card.TEST_SET, "recall@5", "0.5926", "–"] in rows
    assert [card.TEST_SET, "median rank", "3", "–"] in rows
    assert ["other photos", "mrr", "0.7182", "–"] in rows
    assert ["other photos", "7", "9", "pixfind eval b"] in rows
    (own,) = [row for row in rows if row[0] == "pocket"]
    assert "0.314, 0.593" in own, "beside the larger models"
