"""The API does what its description says, for requests that nobody would think of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from flask import Flask
from hypothesis import strategies as st
from openapi_spec_validator import validate
from PIL import Image
from schemathesis.config import SchemathesisConfig
from schemathesis.openapi import from_dict
from schemathesis.specs.openapi.checks import ignored_auth

from indexer import Indexer
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.library import Library
from web import create_app
from web.api.document import openapi
from web.api.operations import PREFIX, Operation
from web.security.access import Access
from web.security.attempts import Attempts
from web.security.doors import TokenDoor
from web.security.guard import EXTENSION as ACCESS

# As far as the description goes, any text is a query, a name or a folder; but not every one is.
NOT_EVERY_TEXT = {
    "include-operation-id": [
        "search_search",
        "albums_album",
        "albums_save",
        "albums_remove",
        "tags_accept",
        "tags_reject",
        "tags_withdraw",
    ],
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "404"]}},
}
# And any bytes are a file, but not every one holds a picture.
NOT_EVERY_FILE = {
    "include-operation-id": ["pictures_bring"],
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "422"]}},
}
# Nor can every folder be added, or while photos are indexed already.
NOT_EVERY_FOLDER = {
    "include-operation-id": ["jobs_start"],
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "409"]}},
}
# Nobody but the server can make a cursor; damaged ones are tried in test_api_v1.
schemathesis.openapi.format("cursor", st.just(""))


def _settings(folder: Path) -> Settings:
    return Settings(library=folder / "library", models=folder, demo_library=folder / "demo")


def _examples(most: int, *, every_bound: bool = True) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            # The same requests in every run, and none kept for the next.
            "generation": {"deterministic": True, "max-examples": most, "database": "none"},
            "phases": {"coverage": {"enabled": every_bound}},
            "operations": [NOT_EVERY_TEXT, NOT_EVERY_FILE, NOT_EVERY_FOLDER],
        }
    )


TOKEN = "a-token-of-this-test-000"
NOWHERE = _settings(Path("nowhere"))
DOCUMENT = openapi(create_app(NOWHERE))
GUARDED = openapi(create_app(NOWHERE, access=Access(TokenDoor(TOKEN))))
api = from_dict(DOCUMENT, config=_examples(15))
guarded_api = from_dict(GUARDED, config=_examples(5, every_bound=False))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A small library with a fake encoder, in which everything may be changed."""
    yield from _made(tmp_path_factory)


@pytest.fixture(scope="module")
def guarded_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The same for those who have a token."""
    yield from _made(tmp_path_factory, Access(TokenDoor(TOKEN)))


def _made(factory: pytest.TempPathFactory, access: Access | None = None) -> Iterator[Flask]:
    folder = factory.mktemp("api")
    photos = folder / "photos"
    photos.mkdir()
    for name, colour in (("red.jpg", "red"), ("green.png", "#0f0"), ("blue.webp", "blue")):
        Image.new("RGB", (64, 48), colour).save(photos / name)
    shutil.copy(photos / "red.jpg", photos / "copy.jpg")
    (photos / "broken.jpg").write_bytes(b"no picture")
    settings = _settings(folder)
    with Library.create(settings.library) as library:
        Indexer(library, FakeEncoder()).run([photos])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))
        made = create_app(settings, index_roots=[photos], access=access)
        made.testing = True  # an unforeseen error fails the test instead of becoming a 500
        yield made
        made.extensions["pixfind"].close()


@api.parametrize()
def test_the_api_is_as_described(case: schemathesis.Case, app: Flask) -> None:
    case.call_and_validate(app=app)


@guarded_api.parametrize()
def test_the_api_is_as_described_where_credentials_are_asked_for(
    case: schemathesis.Case, guarded_app: Flask
) -> None:
    for wrong in ({}, {"Authorization": f"Bearer {TOKEN}x"}):
        # Not Schemathesis's own check of this, which asks a server at an address. Those who are
        # wrong so often would have to wait.
        guarded_app.extensions[ACCESS]._attempts = Attempts()
        assert case.call(app=guarded_app, headers=wrong).status_code == 401
    case.call_and_validate(
        app=guarded_app,
        headers={"Authorization": f"Bearer {TOKEN}"},
        excluded_checks=[ignored_auth],
    )


def test_the_description_is_an_openapi_document() -> None:
    for document in (DOCUMENT, GUARDED):
        validate(document)
        assert document["openapi"].startswith("3.1.")


def test_credentials_are_described_where_they_are_asked_for() -> None:
    assert "security" not in DOCUMENT
    assert GUARDED["security"] == [{"Bearer": []}]
    assert GUARDED["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"
    for path, item in GUARDED["paths"].items():
        for method, operation in item.items():
            assert {"401", "429"} <= operation["responses"].keys(), (path, method)
            assert "401" not in DOCUMENT["paths"][path][method]["responses"]


def test_every_operation_is_described_and_no_other(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    assert rules
    assert all(rule.rule.startswith(f"{PREFIX}/") for rule in rules)
    assert all(isinstance(app.view_functions[rule.endpoint], Operation) for rule in rules)
    served = {
        (rule.rule.replace("<int:", "{").replace("<", "{").replace(">", "}"), method.lower())
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, item in DOCUMENT["paths"].items() for method in item}
    assert served == described


def test_everything_is_described_in_words() -> None:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], (path, method)
            for parameter in operation.get("parameters", ()):
                assert parameter["description"], (path, method, parameter["name"])
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema["description"], name


def test_the_server_says_the_same(app: Flask) -> None:
    answer = app.test_client().get(f"{PREFIX}/openapi.json")
    assert answer.get_json() == DOCUMENT
