"""A library that cannot be written, as on a disc: it is searched, and nothing is changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from indexer import Indexer, Summary
from pixfind.catalog import connections
from pixfind.catalog.database import FILE_NAME
from pixfind.encoders.fake import FakeEncoder
from pixfind.errors import LibraryAccessError, LibraryReadOnlyError
from pixfind.library import Library
from search import SearchEngine
from search.albums import save_album


def _forbid(folder: Path) -> bool:
    """Take away the permission to write, of root too where the file system knows how to."""
    places = [folder, *folder.rglob("*")]
    if os.geteuid() == 0:
        if shutil.which("chattr") is None:
            return False
        return (
            subprocess.run(["chattr", "+i", *places], capture_output=True, check=False).returncode
            == 0
        )
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    return True


def _allow(folder: Path) -> None:
    if os.geteuid() == 0:
        subprocess.run(["chattr", "-R", "-i", folder], capture_output=True, check=False)
        return
    for place in [folder, *folder.rglob("*")]:
        place.chmod(0o755 if place.is_dir() else 0o644)


@pytest.fixture
def sealed(library: Library, index: Callable[..., Summary], photos: Path) -> Iterator[Path]:
    """An indexed library in which nothing can be written, without the files that are locked."""
    index(photos)
    library.close()
    for lock in library.folder.glob("*.lock"):
        lock.unlink()
    if not _forbid(library.folder) or os.access(library.folder, os.W_OK):
        _allow(library.folder)
        pytest.skip("this user may write everywhere")
    yield library.folder
    _allow(library.folder)


def names(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_it_is_searched_and_nothing_is_written(sealed: Path, encoder: FakeEncoder) -> None:
    before = names(sealed)
    with Library.open(sealed) as library:
        assert library.catalog.is_read_only
        assert len(SearchEngine(library, encoder).search("red", everything=True).results) == 3
    assert names(sealed) == before


def test_the_index_that_is_missing_is_kept_in_memory(
    library: Library, index: Callable[..., Summary], photos: Path, encoder: FakeEncoder
) -> None:
    index(photos)
    library.close()
    shutil.rmtree(library.folder / "vectors")
    if not _forbid(library.folder) or os.access(library.folder, os.W_OK):
        _allow(library.folder)
        pytest.skip("this user may write everywhere")
    try:
        with Library.create(library.folder) as opened:
            found = SearchEngine(opened, encoder).search("red", everything=True)
        assert len(found.results) == 3
    finally:
        _allow(library.folder)


def test_every_change_says_why_not(sealed: Path, encoder: FakeEncoder, photos: Path) -> None:
    before = names(sealed)
    with Library.open(sealed) as library:
        with pytest.raises(LibraryReadOnlyError, match="can only be read"):
            save_album(library, "Red", "red")
        with pytest.raises(LibraryReadOnlyError, match="copy the library"):
            Indexer(library, encoder).run([photos])
        with pytest.raises(LibraryReadOnlyError), library.writing():
            pass
    assert names(sealed) == before


def test_commands(sealed: Path, pixfind: Callable[..., Result], tmp_path: Path) -> None:
    before = names(sealed)
    assert pixfind("status").exit_code == 0
    assert pixfind("backup", tmp_path / "b.pixfind").exit_code == 0
    doctor = pixfind("doctor")
    assert "can only be read where it lies" in doctor.output
    for command in ("albums save Red red",):
        done = pixfind(*command.split())
        assert (done.exit_code, "can only be read" in done.output) == (1, True), done.output
    assert names(sealed) == before


def test_old_catalog_is_not_brought_up_to_date_there(tmp_path: Path) -> None:
    from test_upgrade import make

    folder = make(tmp_path / "old", 1)
    content = (folder / FILE_NAME).read_bytes()
    if not _forbid(folder) or os.access(folder, os.W_OK):
        _allow(folder)
        pytest.skip("this user may write everywhere")
    try:
        with pytest.raises(LibraryReadOnlyError):
            Library.open(folder)
        assert (folder / FILE_NAME).read_bytes() == content
    finally:
        _allow(folder)


@pytest.mark.parametrize("is_readable", [True, False])
def test_what_passes_does_not_stay(
    library: Library, monkeypatch: pytest.MonkeyPatch, is_readable: bool
) -> None:
    """No more files can be opened, or the disk is full, for a moment."""

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    library.catalog.close()
    with monkeypatch.context() as moment:
        moment.setattr(connections, "connect", fail)
        if is_readable:
            assert len(library.catalog.library_id()) == 32
            with pytest.raises(LibraryReadOnlyError):
                save_album(library, "Red", "red")
        else:
            moment.setattr(connections, "connect_read_only", fail)
            with pytest.raises(LibraryAccessError):
                library.catalog.library_id()
    assert library.catalog.is_read_only is is_readable
    save_album(library, "Red", "red")
    assert not library.catalog.is_read_only


def test_nothing_is_made_where_the_catalog_is_gone(sealed: Path) -> None:
    with Library.open(sealed) as library:
        _allow(sealed)
        (sealed / FILE_NAME).unlink()
        with pytest.raises(LibraryReadOnlyError):
            library.catalog.require_writable()
    assert not (sealed / FILE_NAME).exists()
