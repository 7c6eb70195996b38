"""What strangers made and pixfind loads: models, checkpoints; none may run, or lead elsewhere."""

from __future__ import annotations

import ast
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixfind.config import Settings
from pixfind.encoders.graph_file import external_files
from pixfind.encoders.model_files import Description, read_description, sha256_of
from pixfind.encoders.onnx import OnnxEncoder
from pixfind.encoders.store import ModelStore, bundled_models
from pixfind.errors import ModelAddError, ModelDamagedError

onnx = pytest.importorskip("onnx")

POCKET = bundled_models() / "pocket"
ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("pixfind", "indexer", "search", "web", "data")
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


# --- Nothing in the product runs what it has read.

# Modules whose readers run what they read, and the one place that names an error of theirs.
RUNNING = {
    "pickle",
    "_pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "yaml",
    "runpy",
}
ALLOWED_IMPORTS = {("pixfind/encoders/openclip.py", "pickle")}
ONLY_ATTRIBUTES = {"pickle": {"UnpicklingError"}}
BUILT_IN = {"eval", "exec", "compile", "__import__"}
METHODS = {
    "os.system", "os.popen", "torch.load", "torch.jit.load", "torch.hub.load", "torch.package",
    "register_custom_ops_library", "subprocess.getoutput", "subprocess.getstatusoutput",
}  # fmt: skip


def problems(tree: ast.AST, name: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
            for module in modules:
                if module.split(".")[0] in RUNNING and (name, module) not in ALLOWED_IMPORTS:
                    yield f"imports {module}"
        elif isinstance(node, ast.Attribute):
            written = ast.unparse(node)
            owner = written.split(".")[0]
            if owner in ONLY_ATTRIBUTES and node.attr not in ONLY_ATTRIBUTES[owner]:
                yield written
        elif isinstance(node, ast.Call):
            yield from problems_of_call(node)


def problems_of_call(call: ast.Call) -> Iterator[str]:
    written = ast.unparse(call.func)
    options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if written in BUILT_IN or any(written == m or written.endswith(f".{m}") for m in METHODS):
        yield written
    if written.endswith(("np.load", "numpy.load")) and options.get("allow_pickle") != "False":
        yield f"{written} without allow_pickle=False"
    if options.get("shell", "False") != "False" or options.get("allow_pickle", "False") != "False":
        yield f"{written} with {options}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_nothing_runs_what_it_reads(file: Path) -> None:
    name = file.relative_to(ROOT).as_posix()
    assert list(problems(ast.parse(file.read_bytes()), name)) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "import yaml.loader",
        "eval('1')",
        "__import__(name)",
        "pickle.loads(content)",
        "np.load(file)",
        "np.load(file, allow_pickle=True)",
        "numpy.load(file, allow_pickle=sure)",
        "torch.load(file, weights_only=True)",
        "torch.jit.load(file)",
        "subprocess.run(command, shell=True)",
        "os.system(command)",
        "options.register_custom_ops_library(file)",
    ],
)
def test_what_is_looked_for_is_found(code: str) -> None:
    assert list(problems(ast.parse(code), "search/somewhere.py"))


# --- A model's files are those of its checksums, before anything reads them.


class NoSessions:
    """Stands for ONNX Runtime, and must not be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"ONNX Runtime was asked for {name}")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(POCKET, tmp_path / "models" / "copy"))


def flip(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        byte = opened.read(1)
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte[0] ^ 1]))


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [flip, truncate, empty, Path.unlink])
@pytest.mark.parametrize("name", ["text.onnx", "image.onnx", "tokenizer.json"])
def test_changed_files_are_refused_before_they_are_loaded(
    copied: Path, monkeypatch: pytest.MonkeyPatch, name: str, damage: Any
) -> None:
    damage(copied / name)
    encoder = ModelStore(copied.parent).load("copy")
    if name != "tokenizer.json":
        runtime = NoSessions()
        runtime.SessionOptions = Options  # type: ignore[attr-defined]
        monkeypatch.setattr("pixfind.encoders.onnx.onnx_runtime", lambda: runtime)
    with pytest.raises(ModelDamagedError, match=f"{name} (has been changed|is missing)") as caught:
        if name == "image.onnx":
            encoder.encode_images([Image.new("RGB", (9, 9))])
        else:
            encoder.encode_texts(["a cat"])
    assert "import it again" in str(caught.value)


class Options:
    """ONNX Runtime's, as far as they are set."""

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Nothing comes of it."""


def test_file_that_changes_between_two_loads(copied: Path) -> None:
    assert ModelStore(copied.parent).load("copy").encode_texts(["a cat"]).any()
    before = (copied / "text.onnx").stat()
    flip(copied / "text.onnx")
    os.utime(copied / "text.onnx", ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ModelDamagedError, match=r"text\.onnx has been changed"):
        ModelStore(copied.parent).load("copy").encode_texts(["a cat"])


# --- ONNX graphs read no files but the model's.


def tiny_graph(*locations: str, inside: str = "graph") -> bytes:
    """Return an image graph for squares of two pixels, whose weights lie in other files."""
    from onnx import TensorProto, helper

    weights = []
    for number, location in enumerate(locations):
        tensor = TensorProto(name=f"w{number}", data_type=TensorProto.FLOAT, dims=[3])
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
        weights.append(tensor)
    nodes = [
        helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["numbers"], ["mean"], axes=[1, 2], keepdims=0),
    ]
    last = "mean"
    for number, tensor in enumerate(weights):
        if inside == "constant":
            nodes.append(helper.make_node("Constant", [], [tensor.name], value=tensor))
        nodes.append(helper.make_node("Add", [last, tensor.name], [f"sum{number}"]))
        last = f"sum{number}"
    nodes.append(helper.make_node("Identity", [last], ["vectors"]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 2, 2, 3])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", 3])],
        weights if inside == "graph" else [],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A folder with a model whose graph is not there yet, and a secret outside."""
    folder = tmp_path / "stick" / "theirs"
    folder.mkdir(parents=True)
    np.array([7, 8, 9], np.float32).tofile(folder.parent / "secret")
    shutil.copyfile(folder.parent / "secret", folder / "weights")
    for name in ("text.onnx", "tokenizer.json"):
        (folder / name).write_text("this stands for one")
    return folder


def described(folder: Path, graph: bytes, *others: str, **changes: object) -> Description:
    """Put a graph into a folder, and what its maker says of it."""
    (folder / "image.onnx").write_bytes(graph)
    names = ("image.onnx", "text.onnx", "tokenizer.json", *others)
    values = json.loads((POCKET / "model.json").read_text("utf-8"))
    values |= {"name": "theirs", "dim": 3, "files": {n: sha256_of(folder / n) for n in names}}
    values["preprocessing"]["size"] = 2
    values["calibration"] = None
    (folder / "model.json").write_text(json.dumps(values | changes), "utf-8")
    return read_description(folder, "theirs")


@pytest.mark.parametrize("inside", ["graph", "constant"])
@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "weights", "../theirs/weights", "x"])
def test_graph_that_reads_elsewhere_is_refused(
    stranger: Path, monkeypatch: pytest.MonkeyPatch, path: str, inside: str
) -> None:
    path = str(stranger.parent / "secret") if path.startswith("/") else path
    encoder = OnnxEncoder(stranger, described(stranger, tiny_graph(path, inside=inside)))
    monkeypatch.chdir(stranger)  # where bytes would be at home
    with pytest.raises(ModelDamagedError) as caught:
        encoder.encode_images([Image.new("RGB", (2, 2))])
    assert f"image.onnx reads {path!r}, which is no file of the model" in str(caught.value)


def test_weights_beside_a_graph_are_read_if_they_are_the_models(stranger: Path) -> None:
    encoder = OnnxEncoder(stranger, described(stranger, tiny_graph("weights"), "weights"))
    vector = encoder.encode_images([Image.new("RGB", (2, 2))])[0]
    assert np.allclose(vector, np.array([7, 8, 9]) / np.linalg.norm([7, 8, 9]))
    flip(stranger / "weights")
    again = OnnxEncoder(stranger, encoder.description)
    with pytest.raises(ModelDamagedError, match="weights has been changed"):
        again.encode_images([Image.new("RGB", (2, 2))])


def test_graph_whose_weights_are_in_it(stranger: Path) -> None:
    encoder = OnnxEncoder(stranger, described(stranger, tiny_graph()))
    assert encoder.encode_images([Image.new("RGB", (2, 2), "red")])[0].tolist() == [1, 0, 0]


@pytest.mark.parametrize("path", ["../secret", "weights"])
def test_onnx_runtime_reads_no_other_file_for_bytes(
    stranger: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """What keeps a graph in its place even if its paths were overlooked."""
    from pixfind.encoders.runtime import onnx_runtime

    monkeypatch.chdir(stranger)
    runtime = onnx_runtime()
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    with pytest.raises(Exception, match="ONNXRuntimeError"):
        runtime.InferenceSession(tiny_graph(path), options, providers=["CPUExecutionProvider"])


def test_files_of_a_graph() -> None:
    assert external_files(tiny_graph()) == set()
    assert external_files(tiny_graph("a", "../b")) == {"a", "../b"}
    assert external_files(tiny_graph("c", inside="constant")) == {"c"}
    for name in ("image.onnx", "text.onnx"):
        assert external_files((POCKET / name).read_bytes()) == set()


def test_files_of_graphs_in_graphs_and_functions() -> None:
    from onnx import TensorProto, helper

    def tensor(location: str) -> Any:
        made = TensorProto(name=location, data_type=TensorProto.FLOAT, dims=[1])
        made.data_location = TensorProto.EXTERNAL
        made.external_data.add(key="location", value=location)
        return made

    inner = helper.make_graph([], "inner", [], [], [tensor("inner")])
    node = helper.make_node("If", ["x"], ["y"], then_branch=inner, tensors=[tensor("listed")])
    constant = helper.make_node("Constant", [], ["z"], value=tensor("in a function"))
    sparse = helper.make_sparse_tensor(tensor("values"), tensor("indices"), [1])
    graph = helper.make_graph([node], "outer", [], [], sparse_initializer=[sparse])
    function = helper.make_function("own", "f", [], ["z"], [constant], [])
    model = helper.make_model(graph, functions=[function])
    training = model.training_info.add()
    training.algorithm.CopyFrom(helper.make_graph([], "t", [], [], [tensor("training")]))
    assert external_files(model.SerializeToString()) == {
        "inner", "listed", "in a function", "values", "indices", "training",
    }  # fmt: skip


def test_paths_however_they_are_spelled() -> None:
    """Protobuf allows fields in any order, more than once, and numbers longer than need be."""
    entries = [
        b"\x12\x06hidden\x0a\x08location",
        b"\x0a\x03key\x0a\x08location\x12\x03one\x12\x06hidden",
        b"\x0a\x88\x80\x00location\x92\x00\x86\x00hidden",
    ]
    for entry in entries:
        wrapped = entry
        for field in (13, 5, 7):  # of a tensor, a graph, a model
            wrapped = bytes([field << 3 | 2, len(wrapped)]) + wrapped
        assert "hidden" in external_files(wrapped)


@pytest.mark.parametrize("content", [b"\x3a\x05x", b"\x3b", b"\xff" * 12, b"\x39\0", b"ORTM" * 9])
def test_graphs_that_are_none(stranger: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match="it is"):
        external_files(content)
    encoder = OnnxEncoder(stranger, described(stranger, content))
    with pytest.raises(ModelDamagedError, match=r"image\.onnx"):
        encoder.encode_images([Image.new("RGB", (2, 2))])


def test_graphs_nested_without_end() -> None:
    wrapped = b""
    for _ in range(200):
        for field in (6, 5, 1):  # of an attribute, a node, a graph
            length = len(wrapped)
            size = b""
            while length >= 128:
                size += bytes([length & 127 | 128])
                length >>= 7
            wrapped = bytes([field << 3 | 2]) + size + bytes([length]) + wrapped
    with pytest.raises(ValueError, match="too deep"):
        external_files(b"\x3a" + varint(len(wrapped)) + wrapped)


def varint(number: int) -> bytes:
    written = b""
    while number >= 128:
        written += bytes([number & 127 | 128])
        number >>= 7
    return written + bytes([number])


# --- What is taken in stays in its folder.


@pytest.fixture
def store(settings: Settings) -> ModelStore:
    return ModelStore(settings.models)


def test_linked_files_are_copied_as_files(store: ModelStore, stranger: Path) -> None:
    described(stranger, tiny_graph("weights"), "weights")
    (stranger / "weights").unlink()
    (stranger / "weights").symlink_to(stranger.parent / "secret")
    store.import_folder(stranger)
    copy = store.folder / "theirs" / "weights"
    assert copy.is_file()
    assert not copy.is_symlink()
    (stranger.parent / "secret").write_bytes(b"changed afterwards")
    assert store.load("theirs").encode_images([Image.new("RGB", (2, 2))]).any()


@pytest.mark.parametrize("kind", ["folder", "device", "pipe", "nowhere"])
@pytest.mark.parametrize("name", ["image.onnx", "model.json"])
def test_what_is_no_file_is_refused(
    store: ModelStore, stranger: Path, name: str, kind: str
) -> None:
    described(stranger, tiny_graph())
    file = stranger / name
    file.unlink()
    if kind == "pipe":
        os.mkfifo(file)  # whoever opened it would wait for ever
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero" if kind == "device" else "/nowhere")
    with pytest.raises(ModelDamagedError, match="theirs"):
        store.import_folder(stranger)
    assert not store.folder.exists() or list(store.folder.iterdir()) == []


NAMES = ("..", "../x", "a/b", "a\\b", "..\\x", "C:x", "/x", "x\n", " x", ".x", "-x", "x" * 101, "é")


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_none(stranger: Path, name: str) -> None:
    known = described(stranger, tiny_graph())
    with pytest.raises(ModelDamagedError, match="is not a file name"):
        described(stranger, tiny_graph(), files={**known.files, name: "0" * 64})


WRONG: dict[str, list[object]] = {
    "dim": [0, -1, True, 4097, 10**30, 3.0],
    "name": ["x" * 501],
    "files": [{"image.onnx": 7}, {}, {f"f{n}": "0" * 64 for n in range(300)}],
    "calibration": ["../x", "0" * 63, ""],
    "temperature": [float("nan"), float("inf"), 0.0, 10**400],
    "preprocessing": [
        {"size": size, "mean": [0, 0, 0], "std": [1, 1, 1]}
        for size in (0, -1, 10**9, 2.5, True, "")
    ]
    + [
        {"size": 2, "mean": mean, "std": std}
        for mean, std in (([0, 0], [1, 1, 1]), ([0, 0, float("nan")], [1, 1, 1]),
                          ([0, 0, 0], [1, 1, 0]), ([0, 0, 10**400], [1, 1, 1]), ("abc", "abc"))
    ]
    + [{"size": 2, "mean": [0, 0, 0], "std": [1, 1, 1], "fill": 256}, [], 7, None],
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in WRONG.items() for value in values]
)
def test_descriptions_beyond_all_bounds(stranger: Path, key: str, value: object) -> None:
    with pytest.raises(ModelDamagedError, match="theirs"):
        described(stranger, tiny_graph(), **{key: value})


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 100_000, '{"dim": ' + "9" * 5000 + "}"])
def test_description_that_would_break_its_reader(stranger: Path, text: str) -> None:
    (stranger / "model.json").write_text(text)
    with pytest.raises(ModelDamagedError):
        read_description(stranger, "theirs")


def test_description_that_is_huge(stranger: Path) -> None:
    with pytest.raises(ModelDamagedError, match="more than 1 MiB"):
        described(stranger, tiny_graph(), about={"x": "y" * (1 << 20)})


# --- Checkpoints hold weights, and nothing that runs.

TINY = {
    "embed_dim": 8,
    "vision_cfg": {
        "image_size": 16, "layers": 1, "width": 16, "head_width": 16, "patch_size": 16,
    },
    "text_cfg": {
        "context_length": 77, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1,
    },
}  # fmt: skip


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._file,)


@pytest.fixture(scope="module")
def architecture(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("open_clip")
    from pixfind.encoders.openclip import quiet

    with quiet():
        import open_clip

        file = tmp_path_factory.mktemp("architecture") / "tiny-chain.json"
        file.write_text(json.dumps(TINY))
        open_clip.add_model_config(file)
    return "tiny-chain"


def as_zip(file: Path, evil: Hostile) -> None:
    import torch

    torch.save({"state_dict": {"x": evil}}, file)


def as_pickle(file: Path, evil: Hostile) -> None:
    file.write_bytes(pickle.dumps({"state_dict": {"x": evil}}))


def as_old_file(file: Path, evil: Hostile) -> None:
    import torch

    torch.save({"x": evil}, file, _use_new_zipfile_serialization=False)


def as_script(file: Path, evil: Hostile) -> None:
    """A TorchScript archive, which is a program, with a pickle in it that makes the file."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x/version", "3\n")
        archive.writestr("x/constants.pkl", pickle.dumps(()))
        archive.writestr("x/data.pkl", pickle.dumps(evil))
        archive.writestr("x/code/__torch__.py", "op_version_set = 1\n")


@pytest.mark.parametrize("extension", ["pt", "bin", "ckpt", "safetensors"])
@pytest.mark.parametrize("write", [as_zip, as_pickle, as_old_file, as_script])
def test_checkpoint_with_code_is_refused_and_does_not_run(
    store: ModelStore, architecture: str, tmp_path: Path, write: Any, extension: str
) -> None:
    file, proof = tmp_path / f"weights.{extension}", tmp_path / "it-ran"
    write(file, Hostile(proof))
    for engine in ("onnx", "open_clip"):
        with pytest.raises(ModelAddError, match=f"weights.{extension}") as caught:
            store.add(architecture, str(file), engine=engine)  # type: ignore[arg-type]
        assert "if you trust" not in str(caught.value)
    assert not proof.exists()
    assert store.names() == ["pocket"]


def test_hostile_pickle_runs_where_nobody_minds(tmp_path: Path) -> None:
    """Or the test above would prove nothing."""
    pickle.loads(pickle.dumps(Hostile(tmp_path / "it-ran")))
    assert (tmp_path / "it-ran").exists()


def test_kept_weights_are_checked_before_torch_reads_them(
    store: ModelStore, architecture: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from pixfind.encoders.openclip import quiet

    with quiet():
        import open_clip
        import torch

        torch.save(open_clip.create_model(architecture).state_dict(), tmp_path / "tiny.pt")
    store.add(architecture, str(tmp_path / "tiny.pt"), "kept", "open_clip")
    assert store.load("kept").encode_texts(["a cat"]).shape == (1, 8)
    flip(store.folder / "kept" / "weights.safetensors")
    monkeypatch.setattr("pixfind.encoders.openclip.create_model", NoSessions())
    with pytest.raises(ModelDamagedError, match=r"weights\.safetensors has been changed"):
        ModelStore(store.folder).load("kept").encode_texts(["a cat"])
