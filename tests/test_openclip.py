"""OpenCLIP models: exported and compared with torch, or run in torch; a tiny one of our own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from pixfind.cli.main import cli
from pixfind.encoders.base import Encoder
from pixfind.encoders.cleaning import CLEANERS
from pixfind.encoders.clip_tokenizer import exported_tokenizer
from pixfind.encoders.onnx import OnnxEncoder
from pixfind.encoders.openclip import create_model, quiet, tokenizer_for
from pixfind.encoders.openclip_export import trial_images
from pixfind.encoders.preprocessing import FILTERS, FITS, Preprocessing
from pixfind.encoders.store import ModelStore

Pixfind = Callable[..., Result]
AGREEMENT = 0.999
TINY = {
    "embed_dim": 32,
    "vision_cfg": {
        "image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16,
    },
    "text_cfg": {
        "context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1,
    },
}  # fmt: skip
TEXTS = (
    "a photo of a cat",
    "",
    " ",
    "A Photo Of A CAT, please!",
    "don't WE'LL it's they've I'm he'd",
    "红色的电话亭和一只狗",
    "赤い電話ボックス",
    "빨간 전화 부스",
    "собака на пляже",
    "สุนัขบนชายหาด",
    "كلب على الشاطئ",
    "कुत्ता",
    "🐕 on the beach 🏖️👨‍👩‍👧‍👦 🇨🇭 👍🏽",
    "“quoted” ‘words’ — dashes… «guillemets» „low“",
    "ｆｕｌｌ　ｗｉｄｔｈ！ ﬁne ﬂow ligatures",
    "café cafe\u0301 Å Å İstanbul Straße ΑΘΉΝΑ Ǆ",
    "...!!!??? ---- _under_score_ #tag @name $5,00 100% 3.14",
    "1234567890 12th ½ ² ٣",
    "spaces\t\tand\nlines \u00a0 between\u3000words\u200b",
    "<start_of_text> a cat <end_of_text>",
    "supercalifragilisticexpialidocious" * 20,
    " ".join(f"word{n}" for n in range(200)),
    "猫" * 200,
)
# What a tokenizer.json cannot say: these need the cleaning that model.json names.
TEXTS_TO_CLEAN = (
    "AT&amp;T &lt;b&gt; &quot;x&quot;",
    "twice &amp;amp;",
    "cafÃ© schÃ¶n â€œbrokenâ€\x9d",
    "\x1b[31mred\x1b[0m",
    "ΣΊΣΥΦΟΣ",  # a sigma is written in another way at a word's end
    "<END_OF_TEXT>",
)


@dataclass(frozen=True)
class Workshop:
    """A checkpoint of a tiny architecture, and the folder that models are added to."""

    folder: Path
    checkpoint: Path

    @property
    def store(self) -> ModelStore:
        return ModelStore(self.folder / "models")

    def add(self, *arguments: object) -> Result:
        environment = {"PIXFIND_MODELS": str(self.store.folder)}
        command = ["models", "add", *map(str, arguments)]
        return CliRunner().invoke(cli, command, env=environment)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Make known to open_clip an architecture that is exported in a second."""
    with quiet():
        import open_clip
        import torch

        folder = tmp_path_factory.mktemp("openclip")
        (folder / "tiny-clip.json").write_text(json.dumps(TINY))
        open_clip.add_model_config(folder / "tiny-clip.json")
        with torch.random.fork_rng():
            torch.manual_seed(0)
            weights = open_clip.create_model("tiny-clip").state_dict()
    # Random towers hardly look at the picture: let its pixels count.
    weights["visual.conv1.weight"] *= 50
    for part in ("in_proj_weight", "out_proj.weight"):
        weights[f"visual.transformer.resblocks.0.attn.{part}"] *= 4
    torch.save(weights, folder / "tiny.pt")
    return Workshop(folder, folder / "tiny.pt")


@pytest.fixture(scope="module")
def theirs(workshop: Workshop) -> Any:
    """The model in open_clip itself."""
    return create_model("tiny-clip", str(workshop.checkpoint))


@pytest.fixture(scope="module")
def tiny(workshop: Workshop) -> OnnxEncoder:
    """The model, exported."""
    result = workshop.add("tiny-clip", workshop.checkpoint, "--name", "tiny", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["engine"] == "onnx"
    encoder = workshop.store.load("tiny")
    assert isinstance(encoder, OnnxEncoder)
    return encoder


@pytest.fixture(scope="module")
def in_torch(workshop: Workshop) -> Encoder:
    """The model, kept for torch."""
    result = workshop.add(
        "tiny-clip", workshop.checkpoint, "--name", "tiny-torch", "--engine", "torch"
    )
    assert result.exit_code == 0, result.output
    return workshop.store.load("tiny-torch")


def cosines(ours: Any, others: Any) -> Any:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(others, axis=1)
    return (ours * others).sum(axis=1) / lengths


def test_exported_images_agree_with_torch(tiny: Encoder, theirs: Any) -> None:
    import torch
    from open_clip.transform import image_transform

    images = [*trial_images(), Image.radial_gradient("L").convert("RGB").resize((32, 32))]
    images += [images[0].resize(size) for size in ((33, 500), (1600, 31), (2, 2), (31, 32))]
    transform = image_transform(32, is_train=False)
    with torch.inference_mode():
        expected = theirs.encode_image(torch.stack([transform(i) for i in images])).numpy()
    ours = tiny.encode_images(images)
    assert cosines(ours, expected).min() >= AGREEMENT
    assert (ours @ ours.T).min() < 0.9  # they are not all the same anyway
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)


def test_exported_texts_agree_with_torch(tiny: Encoder, theirs: Any) -> None:
    import torch

    texts = [*TEXTS, *TEXTS_TO_CLEAN]
    with torch.inference_mode():
        expected = theirs.encode_text(tokenizer_for("tiny-clip")(texts)).numpy()
    ours = tiny.encode_texts(texts)
    assert cosines(ours, expected).min() >= AGREEMENT
    assert (ours @ ours.T).min() < 0.5


def test_tokens_are_open_clips(tiny: OnnxEncoder) -> None:
    texts = [*TEXTS, *TEXTS_TO_CLEAN]
    expected = tokenizer_for("tiny-clip")(texts).numpy()
    ours = tiny.tokens(texts)["input_ids"]
    for text, row, other in zip(texts, ours, expected, strict=True):
        assert row.tolist() == other.tolist(), text


def test_tokenizer_file_gives_them_by_itself(tiny: OnnxEncoder) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tiny.folder / "tokenizer.json"))
    expected = dict(zip(TEXTS, tokenizer_for("tiny-clip")(list(TEXTS)).tolist(), strict=True))
    for text in TEXTS:
        assert tokenizer.encode(text).ids == expected[text], text
    for text in TEXTS_TO_CLEAN:
        assert tokenizer.encode(text).ids != tokenizer_for("tiny-clip")(text)[0].tolist(), text


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("interpolation", FILTERS)
def test_pictures_are_fitted_as_open_clip_does(
    workshop: Workshop, fit: str, interpolation: str
) -> None:
    from open_clip.transform import image_transform

    ours = Preprocessing(48, (0, 0, 0), (1, 1, 1), fit, interpolation, fill=7)  # type: ignore[arg-type]
    theirs = image_transform(
        48, is_train=False, mean=(0, 0, 0), std=(1, 1, 1), resize_mode=fit,
        interpolation=interpolation, fill_color=7,
    )  # fmt: skip
    for size in ((48, 48), (96, 60), (61, 130), (47, 200), (20, 10), (49, 50)):
        image = Image.radial_gradient("L").resize(size).convert("RGB")
        expected = (theirs(image).permute(1, 2, 0) * 255).numpy()
        got = ours.pixels([image])[0].astype(np.float32)
        assert np.abs(got - expected).mean() < 1, (fit, interpolation, size)


def test_library_is_indexed_and_searched_without_torch(
    tiny: OnnxEncoder, workshop: Workshop, photos: Path, tmp_path: Path
) -> None:
    program = (
        "import sys; from pixfind.cli.main import cli\n"
        "for command in sys.argv[1:], ['search', 'a cat']: cli(command, standalone_mode=False)\n"
        "assert not {'torch', 'open_clip', 'transformers'} & set(sys.modules)"
    )
    environment = {
        **os.environ,
        "PIXFIND_LIBRARY": str(tmp_path / "library"),
        "PIXFIND_MODELS": str(workshop.store.folder),
    }
    command = [sys.executable, "-c", program, "index", photos, "--model", "tiny"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(str(photos)) == 3


def test_torch_engine_indexes_and_searches(
    in_torch: Encoder, workshop: Workshop, pixfind: Pixfind, photos: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("PIXFIND_MODELS", str(workshop.store.folder))
    assert pixfind("index", photos, "--model", "tiny-torch").exit_code == 0
    answer = json.loads(pixfind("search", "a cat", "--json").stdout)
    assert (answer["model"], answer["total"]) == ("tiny-torch", 3)


def test_both_engines_give_the_same_vectors(tiny: Encoder, in_torch: Encoder) -> None:
    assert (
        cosines(tiny.encode_images(trial_images()), in_torch.encode_images(trial_images())).min()
        >= AGREEMENT
    )
    assert cosines(tiny.encode_texts(TEXTS), in_torch.encode_texts(TEXTS)).min() >= AGREEMENT
    assert in_torch.encode_images([]).shape == in_torch.encode_texts([]).shape == (0, 32)
    assert tiny.spec.fingerprint != in_torch.spec.fingerprint


def test_exported_model_can_be_carried_to_another_machine(
    tiny: OnnxEncoder, pixfind: Pixfind, settings: Any
) -> None:
    assert pixfind("models", "import", tiny.folder, "--name", "carried").exit_code == 0
    carried = ModelStore(settings.models).load("carried")
    assert carried.spec.fingerprint == tiny.spec.fingerprint
    assert np.array_equal(carried.encode_texts(["a cat"]), tiny.encode_texts(["a cat"]))


def test_what_is_added_says_what_it_is(tiny: OnnxEncoder) -> None:
    described = json.loads((tiny.folder / "model.json").read_text("utf-8"))
    assert described["about"] == {"architecture": "tiny-clip", "weights": "tiny.pt"}
    assert (described["dim"], described["preprocessing"]["size"]) == (32, 32)
    assert set(described["files"]) == {"image.onnx", "text.onnx", "tokenizer.json"}


def failure(workshop: Workshop, *arguments: object) -> str:
    """Try to add a model in vain; return the one line that says why."""
    before = sorted(workshop.store.folder.glob("*"))
    result = workshop.add(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    _, line = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert sorted(workshop.store.folder.glob("*")) == before
    return line


def test_unknown_architecture(workshop: Workshop) -> None:
    line = failure(workshop, "ViT-Z-99", "openai")
    assert "knows no architecture 'ViT-Z-99'" in line
    assert "open_clip.list_models()" in line


def test_unknown_weights(workshop: Workshop) -> None:
    line = failure(workshop, "ViT-B-32", "laion3b")
    assert "'laion3b' is neither a checkpoint file nor published weights of ViT-B-32" in line
    assert "laion2b_s34b_b79k" in line
    assert "(there are: none)" in failure(workshop, "tiny-clip", workshop.folder)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize(
    "damage", ["noise.pt", "cut.pt", "noise.safetensors", "empty.pt", "other.pt"]
)
def test_damaged_checkpoints(workshop: Workshop, damage: str, engine: str) -> None:
    import torch

    file = workshop.folder / damage
    content = workshop.checkpoint.read_bytes()
    contents = {
        "noise": np.random.default_rng(0).bytes(1000), "cut": content[: len(content) // 2],
        "empty": b"", "other": b"",
    }  # fmt: skip
    file.write_bytes(contents[file.stem])
    if damage == "other.pt":
        torch.save({"visual.conv1.weight": torch.zeros(3)}, file)
    line = failure(workshop, "tiny-clip", file, "--engine", engine)
    assert f"{file} does not hold weights of tiny-clip" in line


class Trap:
    """Runs a program when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


def test_checkpoint_cannot_run_code(workshop: Workshop, tmp_path: Path) -> None:
    import torch

    torch.save({"state_dict": Trap(tmp_path / "sprung")}, tmp_path / "trap.pt")
    assert "does not hold weights" in failure(workshop, "tiny-clip", tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()


def test_taken_names_are_refused_before_the_work(workshop: Workshop, tiny: Encoder) -> None:
    line = failure(workshop, "tiny-clip", workshop.checkpoint, "--name", "tiny")
    assert "there is a model 'tiny' already" in line


def test_published_weights_out_of_reach(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    line = failure(workshop, "ViT-B-32", "laion2b_s34b_b79k")
    assert "laion2b_s34b_b79k of ViT-B-32 could not be downloaded" in line
    assert "pixfind models import FOLDER" in line
    line = failure(workshop, "ViT-B-16-SigLIP", "webli")
    assert "the tokenizer of ViT-B-16-SigLIP could not be downloaded" in line
    assert "pixfind models import FOLDER" in line


def test_graph_that_disagrees_is_not_kept(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixfind.encoders.openclip_export.AGREEMENT", 1.1)
    line = failure(workshop, "tiny-clip", workshop.checkpoint)
    assert "does not agree with torch" in line
    assert "--engine torch" in line


def test_missing_transformers_is_named(
    pixfind: Pixfind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    (tmp_path / "weights.pt").write_bytes(b"never read")
    result = pixfind("models", "add", "ViT-B-16-SigLIP", tmp_path / "weights.pt")
    assert result.exit_code == 1
    assert "pip install transformers" in result.stderr.splitlines()[-1]


def test_tokenizers_of_hubs_are_exported_too(workshop: Workshop, tmp_path: Path) -> None:
    """As SigLIP's: sentence pieces, an end token, and texts without punctuation."""
    from open_clip.tokenizer import HFTokenizer
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = sorted({c for text in TEXTS for c in text.lower() if c.isalpha() and c.isascii()})
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -9.0), ("▁", -3.0), ("▁a", -2.0)]
    pieces += [(letter, -4.0) for letter in letters] + [("cat", -2.0), ("▁photo", -2.0)]
    built = Tokenizer(models.Unigram(pieces, unk_id=2))
    built.normalizer = normalizers.NFKC()
    built.pre_tokenizer = pre_tokenizers.Metaspace()
    built.decoder = decoders.Metaspace()
    built.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    saved = PreTrainedTokenizerFast(
        tokenizer_object=built, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    saved.save_pretrained(tmp_path)
    theirs = HFTokenizer(str(tmp_path), context_length=16, clean="canonicalize")
    exported, cleaning = exported_tokenizer(theirs)
    assert cleaning == "canonicalize"
    for text in (*TEXTS, *TEXTS_TO_CLEAN):
        ids = exported.encode(CLEANERS[cleaning](text)).ids
        assert ids == theirs(text)[0].tolist(), text
