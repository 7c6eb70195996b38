"""What is sent of the files: what was indexed, whatever lies in its place by now."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse
from werkzeug.wsgi import FileWrapper

from indexer import Summary
from pixfind.catalog import originals
from pixfind.catalog.schema import File
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from search.export.archive import MISSING
from web import create_app, media

Index = Callable[..., Summary]
SECRET = b"PRIVATE KEY "


class Client(FlaskClient):
    """Reads every answer to its end, so that the files are closed."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True, **options})


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))
    app = create_app(settings)
    app.test_client_class = Client
    yield app.test_client()
    app.extensions["pixfind"].close()


@pytest.fixture
def red(index: Index, photos: Path) -> Path:
    """One of three photos that are indexed."""
    index(photos)
    return photos / "red.jpg"


def number(library: Library, path: Path) -> int:
    with library.catalog.read() as session:
        found = session.query(File).filter_by(name=path.name).one().asset_id
    assert found is not None
    return found


def archived(client: FlaskClient, *ids: int) -> dict[str, bytes]:
    form = {"format": "zip", "photos": ",".join(map(str, ids))}
    answer = client.post("/selection/export", data=form)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as made:
        return {name: made.read(name) for name in made.namelist()}


def assert_kept_back(client: FlaskClient, library: Library, path: Path) -> None:
    """Neither way is a file sent, and why is said."""
    photo_id = number(library, path)
    for asked in ("", "?inline=1"):
        refused = client.get(f"/originals/{photo_id}{asked}")
        assert refused.status_code == 404
        assert "it has changed since; run pixfind index again" in refused.text
        assert SECRET not in refused.data
    assert archived(client, photo_id) == {MISSING: f"{path}\n".encode()}
    assert client.get(f"/thumbnails/{photo_id}").status_code == 200
    assert client.get(f"/photos/{photo_id}").status_code == 200


def secret_like(path: Path, folder: Path, name: str = "secret") -> Path:
    """A file elsewhere with the length and the time of a photo, as somebody could arrange it."""
    known = path.stat()
    file = folder / name
    file.write_bytes((SECRET * known.st_size)[: known.st_size])
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))
    return file


def test_a_link_in_the_place_of_a_photo_leads_nowhere(
    client: FlaskClient, library: Library, red: Path, tmp_path: Path
) -> None:
    (tmp_path / "id_rsa").write_bytes(SECRET)
    red.unlink()
    red.symlink_to(tmp_path / "id_rsa")
    assert_kept_back(client, library, red)


def test_a_link_to_a_file_of_the_same_length_and_time_leads_nowhere(
    client: FlaskClient, library: Library, red: Path, tmp_path: Path
) -> None:
    file = secret_like(red, tmp_path)
    red.unlink()
    red.symlink_to(file)
    assert_kept_back(client, library, red)


def test_a_link_in_the_place_of_a_folder_leads_nowhere(
    client: FlaskClient, library: Library, red: Path, tmp_path: Path
) -> None:
    blue = red.parent / "inner" / "blue.webp"
    (tmp_path / "elsewhere").mkdir()
    secret_like(blue, tmp_path / "elsewhere", blue.name)
    (red.parent / "inner").rename(tmp_path / "moved")
    (red.parent / "inner").symlink_to(tmp_path / "elsewhere")
    assert_kept_back(client, library, blue)


def test_links_that_were_indexed_are_files(
    client: FlaskClient, library: Library, index: Index, photos: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.png"
    Image.new("RGB", (64, 48), "yellow").save(elsewhere)
    link = photos / "link.png"
    link.symlink_to(elsewhere)
    index(photos)
    photo_id = number(library, link)
    assert client.get(f"/originals/{photo_id}").data == elsewhere.read_bytes()
    assert archived(client, photo_id) == {"link.png": elsewhere.read_bytes()}


def test_a_root_that_is_reached_by_a_link_is_as_good(
    client: FlaskClient, library: Library, index: Index, photos: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "link").symlink_to(photos)
    index(tmp_path / "link")
    monkeypatch.setattr(originals, "_holds", None)  # need not be looked at
    red = photos / "red.jpg"
    assert client.get(f"/originals/{number(library, red)}").data == red.read_bytes()


def test_what_was_written_anew_is_sent_once_it_is_indexed(
    client: FlaskClient, library: Library, red: Path, index: Index
) -> None:
    Image.new("RGB", (80, 60), "orange").save(red)
    assert_kept_back(client, library, red)
    index(red.parent)
    assert client.get(f"/originals/{number(library, red)}").data == red.read_bytes()


def test_what_was_only_touched_is_the_same(
    client: FlaskClient, library: Library, red: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(red, (1, 1))
    photo_id = number(library, red)
    assert client.get(f"/originals/{photo_id}").data == red.read_bytes()
    assert archived(client, photo_id) == {"red.jpg": red.read_bytes()}
    # What is too large to be compared is another by its time alone.
    monkeypatch.setattr(originals, "MOST_COMPARED", 10)
    assert_kept_back(client, library, red)


def test_nobody_waits_for_a_pipe(client: FlaskClient, library: Library, red: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no pipes with names here")
    red.unlink()
    os.mkfifo(red)
    assert_kept_back(client, library, red)


def test_a_copy_that_is_as_it_was_is_sent(
    client: FlaskClient, library: Library, red: Path, index: Index
) -> None:
    copy = red.parent / "z.jpg"
    content = red.read_bytes()
    copy.write_bytes(content)
    index(red.parent)
    photo_id = number(library, copy)
    red.write_bytes(SECRET)
    answer = client.get(f"/originals/{photo_id}")
    assert answer.data == content
    assert "z.jpg" in answer.headers["Content-Disposition"]
    assert archived(client, photo_id) == {"z.jpg": content}
    copy.unlink()
    assert "it has changed since" in client.get(f"/originals/{photo_id}").text
    red.unlink()
    assert "the file is not there now" in client.get(f"/originals/{photo_id}").text


@pytest.fixture
def handed_out(red: Path, monkeypatch: pytest.MonkeyPatch) -> list[BinaryIO]:
    """What was opened for requests; in its place another file lies by the time it is sent."""
    found: list[BinaryIO] = []
    opened = media.open_original

    def swapped(*asked: object) -> BinaryIO:
        found.append(opened(*asked))  # type: ignore[arg-type]
        if red.exists():
            red.rename(red.with_suffix(".moved"))
        red.write_bytes(SECRET)
        return found[-1]

    monkeypatch.setattr(media, "open_original", swapped)
    return found


@pytest.mark.parametrize("wrapped", [False, True], ids=["", "by the server"])
@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=10-99"}, {"Range": "bytes=-20"}])
def test_what_was_compared_is_what_is_sent(
    client: FlaskClient,
    library: Library,
    red: Path,
    handed_out: list[BinaryIO],
    asked: dict[str, str],
    wrapped: bool,
) -> None:
    content = red.read_bytes()
    wanted = {"": content, "bytes=10-99": content[10:100], "bytes=-20": content[-20:]}
    environ = {"wsgi.file_wrapper": FileWrapper} if wrapped else {}
    answer = client.get(
        f"/originals/{number(library, red)}", headers=asked, environ_overrides=environ
    )
    # What sends a file by itself sends as much of it as the header says.
    length = int(answer.headers["Content-Length"])
    assert answer.data[:length] == wanted[asked.get("Range", "")]
    assert [file.closed for file in handed_out] == [True]


def test_no_file_stays_open(
    client: FlaskClient, library: Library, red: Path, handed_out: list[BinaryIO]
) -> None:
    address, size = f"/originals/{number(library, red)}", red.stat().st_size

    def asked(method: str = "GET", **headers: str) -> TestResponse:
        moved = red.with_suffix(".moved")
        if moved.exists():
            moved.replace(red)
        return client.open(address, method=method, headers=headers)

    whole = asked("HEAD")
    assert (whole.status_code, whole.content_length) == (200, size)
    assert whole.headers["Accept-Ranges"] == "bytes"
    etag, changed = whole.headers["ETag"], whole.headers["Last-Modified"]
    codes = [
        asked(**{"If-None-Match": etag}).status_code,
        asked(**{"If-Modified-Since": changed}).status_code,
        asked("HEAD", Range="bytes=1-").status_code,
        asked(Range="bytes=1-").status_code,
        asked(Range="bytes=1-", **{"If-Range": '"another"'}).status_code,
        asked(Range=f"bytes={size}-").status_code,
    ]
    assert codes == [304, 304, 206, 206, 200, 416]
    assert len(handed_out) == 7
    assert all(file.closed for file in handed_out)
