"""What the tests share: libraries that live for one test, pictures made on the spot."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner, Result
from compiled import keep_pages, keep_routes, keep_statements
from decoders import keep_workers
from hypothesis.configuration import set_hypothesis_home_dir
from PIL import Image
from threads import let_sleep

from indexer import Indexer, Summary
from pixfind.cli.main import cli
from pixfind.config import Settings
from pixfind.encoders.base import Encoder
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from search import SearchEngine
from search.descriptions.describing import Describer

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    # Hypothesis would leave what it has learnt in the folder where the tests run.
    home = TemporaryDirectory()
    config.add_cleanup(home.cleanup)
    set_hypothesis_home_dir(home.name)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees or touches the user's own libraries and models."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    for name in ("LIBRARY", "MODELS", "LLM", "LLM_MODEL", "LLM_KEY", "TOKEN"):
        monkeypatch.delenv(f"PIXFIND_{name}", raising=False)
    return home


@pytest.fixture(scope="session", autouse=True)
def little_work() -> Iterator[None]:
    """What is not what a test is about takes most of its time, if nobody sees to it."""
    with pytest.MonkeyPatch.context() as patch:
        let_sleep(patch)
        keep_pages(patch)
        keep_routes(patch)
        keep_statements(patch)
        with keep_workers(patch):
            yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        library=tmp_path / "library", models=tmp_path / "models", demo_library=tmp_path / "demo"
    )


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library without photos, to copy."""
    folder = tmp_path_factory.mktemp("empty") / "library"
    Library.create(folder).close()
    return folder


@pytest.fixture
def library(settings: Settings, empty: Path) -> Iterator[Library]:
    shutil.copytree(empty, settings.library)
    with Library.open(settings.library) as opened:
        yield opened


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a red, a green and a blue picture, one of them in a folder inside."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for name, colour in (("red.jpg", "red"), ("green.png", "#0f0"), ("inner/blue.webp", "blue")):
        Image.new("RGB", (64, 48), colour).save(folder / name)
    return folder


@pytest.fixture
def index(library: Library, encoder: FakeEncoder) -> Callable[..., Summary]:
    """Index paths with the fake encoder into this test's library."""

    def run(*paths: Path, **options: bool) -> Summary:
        return Indexer(library, encoder, **options).run(paths)

    return run


@pytest.fixture
def engine(library: Library, encoder: FakeEncoder) -> SearchEngine:
    return SearchEngine(library, encoder)


@pytest.fixture
def pixfind(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line in this process, on this test's library and models."""
    monkeypatch.setenv("PIXFIND_LIBRARY", str(settings.library))
    monkeypatch.setenv("PIXFIND_MODELS", str(settings.models))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def pocket() -> object:
    """The bundled model."""
    return ModelStore(Path("nowhere")).load("pocket")


@pytest.fixture(scope="session")
def phrases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the phrases of descriptions are embedded by the fake model, to copy."""
    folder = tmp_path_factory.mktemp("phrases")
    Describer(FakeEncoder(), folder)
    return folder


@pytest.fixture(scope="session")
def pocket_phrases(tmp_path_factory: pytest.TempPathFactory, pocket: Encoder) -> Path:
    """A cache in which the phrases of descriptions are embedded by the bundled model, to copy."""
    folder = tmp_path_factory.mktemp("phrases")
    Describer(pocket, folder)
    return folder


@pytest.fixture
def described_before(own_home: Path, pocket_phrases: Path) -> None:
    """This test's user has described photos with the bundled model before."""
    shutil.copytree(pocket_phrases, own_home / "cache" / "pixfind", dirs_exist_ok=True)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real photos beside the checkout, which a user's machine does not have."""
    folder = SHARED / "photos"
    if not folder.is_dir():
        pytest.skip("the shared photos are not on this machine")
    return folder


@pytest.fixture(scope="session")
def real(
    tmp_path_factory: pytest.TempPathFactory, pocket: Encoder, shared: Path
) -> Iterator[SearchEngine]:
    """The shared library of real photos, indexed with the bundled model, to read only."""
    photos = shared / "library"
    with Library.create(tmp_path_factory.mktemp("real")) as library:
        summary = Indexer(library, pocket).run([photos])
        assert (summary.embedded, summary.failed) == (len(list(photos.iterdir())), 0)
        yield SearchEngine(library, pocket)
