"""Logging in: who gets in, how long, and how often somebody may be wrong."""

from __future__ import annotations

import base64
import errno
import io
import itertools
import os
import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from filelock import FileLock
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from indexer import Summary
from pixfind.cli.main import cli
from pixfind.config import Settings
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import (
    LibraryReadOnlyError,
    PasswordFileError,
    PasswordRefusedError,
    TokenError,
    TooManyAttemptsError,
    UserRefusedError,
)
from pixfind.library import Library
from web import create_app
from web.security import attempts, doors, limits, sessions, users
from web.security.access import TRUSTED_S, Access, Visitor
from web.security.doors import PasswordDoor, TokenDoor
from web.security.guard import safe_address
from web.security.users import Users

Index = Callable[..., Summary]
TOKEN = "a-token-of-this-test-000"
PASSWORD = "correct horse battery"
# As browsers send it over plain HTTP when somebody follows a link; and with a form.
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "User-Agent": "Mozilla/5.0"}
OWN = {"Origin": "http://localhost"}
FORM = {**PAGE, **OWN}


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "METHOD", "scrypt:1024:8:1")
    monkeypatch.setattr(ModelStore, "load", lambda _, name: FakeEncoder(name))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(settings: Settings) -> Users:
    known = Users(users.file_of(settings))
    known.set("anna", PASSWORD)
    known.set("ben", PASSWORD + " of ben")
    return known


def serving(settings: Settings, access: Access, **options: bool) -> Iterator[Flask]:
    app = create_app(settings, access=access, **options)
    app.testing = True
    yield app
    app.extensions["pixfind"].close()


@pytest.fixture
def app(
    settings: Settings, index: Index, photos: Path, people: Users, clock: Clock
) -> Iterator[Flask]:
    """Asks for names and passwords."""
    index(photos)
    yield from serving(settings, Access(PasswordDoor(people), clock))


@pytest.fixture
def token_app(settings: Settings, clock: Clock, index: Index, photos: Path) -> Iterator[Flask]:
    """Asks for a token."""
    index(photos)
    yield from serving(settings, Access(TokenDoor(TOKEN), clock))


def log_in(
    client: FlaskClient,
    user: str = "anna",
    secret: str = PASSWORD,
    address: str = "127.0.0.1",
    **form: str,
) -> TestResponse:
    return client.post(
        "/login",
        data={"user": user, "secret": secret, **form},
        headers=FORM,
        environ_overrides={"REMOTE_ADDR": address},
    )


def cookie(answer: TestResponse) -> str:
    return answer.headers["Set-Cookie"]


def basic(user: str, password: str) -> dict[str, str]:
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


# The page


def test_pages_lead_to_the_login_and_back(app: Flask) -> None:
    client = app.test_client()
    there = client.get("/?q=red&all=1", headers=PAGE)
    assert there.status_code == 303
    assert there.location == "/login?next=/?q%3Dred%26all%3D1"
    page = client.get(there.location, headers=PAGE)
    assert page.status_code == 200
    assert 'value="/?q=red&amp;all=1"' in page.text
    assert "<label>Password" in page.text
    answer = log_in(client, next="/?q=red&all=1")
    assert (answer.status_code, answer.location) == (303, "/?q=red&all=1")
    assert client.get("/?q=red&all=1", headers=PAGE).status_code == 200


def test_a_form_that_comes_too_late_leads_to_the_login_and_back_to_its_page(app: Flask) -> None:
    client = app.test_client()
    sent = client.post(
        "/albums/", headers={**FORM, "Referer": "http://localhost/albums/"}, data={"name": "a"}
    )
    assert (sent.status_code, sent.location) == (303, "/login?next=/albums/")
    sent = client.post("/albums/", headers={**FORM, "Referer": "http://evil.example/x"})
    assert sent.location == "/login"


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "https://evil.example/", "javascript:alert(1)", "/\t/evil.example", "/\n//evil.example",
        "evil.example", "", "/" + "a" * 5000, "http:/evil.example", "/\x00",
    ],
)  # fmt: skip
def test_a_login_leads_nowhere_else(app: Flask, address: str) -> None:
    assert safe_address(address) == "/"
    assert log_in(app.test_client(), next=address).location == "/"


def test_the_page_tells_nothing_of_the_library(
    app: Flask, settings: Settings, photos: Path
) -> None:
    client = app.test_client()
    for page in (client.get("/login"), log_in(client, secret="wrong"), client.get("/x")):
        assert "3 photos" not in page.text
        assert not re.search(r"indexing|Timeline|Albums|/api|role=.search|\d\.\d", page.text)
        for place in (settings.library, photos):
            assert str(place) not in page.text


def test_a_token_needs_no_name(token_app: Flask) -> None:
    client = token_app.test_client()
    page = client.get("/login").text
    assert 'name="user"' not in page
    assert 'data-takes="token"' in page
    assert client.post("/login", data={"secret": TOKEN}, headers=FORM).status_code == 303
    assert client.get("/").status_code == 200


def test_what_is_wrong_is_told_and_no_more(app: Flask) -> None:
    client = app.test_client()
    told = [log_in(client, user, "wrong") for user in ("anna", "nobody", "<b>")]
    assert [page.status_code for page in told] == [403] * 3
    plain = [re.sub(r'value="[^"]*"', "", page.text) for page in told]
    assert plain[0] == plain[1] == plain[2]
    assert 'role="alert">The name or the password is wrong.' in plain[0]
    assert "Set-Cookie" not in told[0].headers
    assert "<b>" not in told[2].text


# Sessions


def test_the_cookie_is_for_this_server_alone(app: Flask) -> None:
    answer = log_in(app.test_client())
    assert "; HttpOnly" in cookie(answer)
    assert "; SameSite=Lax" in cookie(answer)
    assert "; Path=/" in cookie(answer)
    assert "Domain" not in cookie(answer)
    assert "Secure" not in cookie(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    secure = app.test_client().post(
        "/login",
        data={"user": "anna", "secret": PASSWORD},
        headers={"Origin": "https://localhost"},
        base_url="https://localhost",
    )
    assert "; Secure" in cookie(secure)
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_servers_on_other_ports_have_other_cookies(app: Flask) -> None:
    names = set()
    for port in (7860, 7861):
        answer = app.test_client().post(
            "/login",
            data={"user": "anna", "secret": PASSWORD},
            headers={"Origin": f"http://localhost:{port}"},
            base_url=f"http://localhost:{port}",
        )
        names.add(cookie(answer).partition("=")[0])
    assert len(names) == 2


def test_an_id_that_was_there_before_is_never_a_session(app: Flask) -> None:
    client = app.test_client()
    client.set_cookie("pixfind", "chosen-by-somebody-else")
    log_in(client)
    known = client.get_cookie("pixfind")
    assert known is not None
    assert known.value != "chosen-by-somebody-else"
    # Nor does the one before a second login go on.
    log_in(client)
    second = client.get_cookie("pixfind")
    assert second is not None
    assert second.value != known.value
    other = app.test_client()
    other.set_cookie("pixfind", known.value)
    assert other.get("/").status_code == 401


def test_a_session_that_was_ended_is_over_whoever_has_its_cookie(app: Flask) -> None:
    client, thief = app.test_client(), app.test_client()
    log_in(client)
    known = client.get_cookie("pixfind")
    assert known is not None
    thief.set_cookie("pixfind", known.value)
    assert thief.get("/").status_code == 200
    assert ">Log out</button>" in client.get("/").text
    answer = client.post("/logout", headers=FORM)
    assert (answer.status_code, answer.location) == (303, "/login")
    assert "Max-Age=0" in cookie(answer)
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/").status_code == thief.get("/").status_code == 401


def test_sessions_end_by_themselves(app: Flask, clock: Clock) -> None:
    client = app.test_client()
    log_in(client)
    began = clock.now
    while clock.now - began < sessions.LONGEST_S - sessions.IDLE_S:
        clock.now += sessions.IDLE_S - 1
        assert client.get("/").status_code == 200
    clock.now = began + sessions.LONGEST_S + 1
    assert client.get("/").status_code == 401
    log_in(client)
    clock.now += sessions.IDLE_S + 1
    assert client.get("/").status_code == 401


def test_another_password_ends_the_sessions_of_its_user_alone(app: Flask, people: Users) -> None:
    anna, ben = app.test_client(), app.test_client()
    log_in(anna)
    log_in(ben, "ben", PASSWORD + " of ben")
    assert app.test_client().get("/", headers=basic("anna", PASSWORD)).status_code == 200
    people.set("anna", "another password")
    assert anna.get("/").status_code == 401
    assert app.test_client().get("/", headers=basic("anna", PASSWORD)).status_code == 401
    assert ben.get("/").status_code == 200
    people.remove("ben")
    assert ben.get("/").status_code == 401


def test_whether_somebody_is_known_still_can_be_asked_without_use(
    people: Users, clock: Clock, settings: Settings
) -> None:
    access = Access(PasswordDoor(people), clock)
    session = access.log_in("anna", PASSWORD, None)
    assert session
    visitor = access.of_session(session)
    assert visitor
    is_known = access.still_known(visitor, session)
    clock.now += sessions.IDLE_S - 1
    assert is_known()
    clock.now += 2
    assert not is_known()
    assert access.of_session(session) is None
    # A program that sends credentials: as long as they are right.
    program = access.of_credentials("anna", PASSWORD, None)
    assert program
    is_known = access.still_known(program, "")
    assert is_known()
    users.file_of(settings).write_text("damaged")
    assert not is_known()


def test_there_is_an_end_to_how_many_sessions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    kept = sessions.Sessions()
    ids = [kept.begin(str(number), "") for number in range(5)]
    assert [kept.find(each, lambda _: "") for each in ids] == [None, None, "2", "3", "4"]
    assert len(set(ids)) == 5
    assert all(len(each) >= 43 for each in ids)


# Programs


def test_programs_send_a_token_or_a_name_and_a_password(app: Flask, token_app: Flask) -> None:
    client = app.test_client()
    assert client.get("/api/v1/status", headers=basic("anna", PASSWORD)).status_code == 200
    assert client.get("/api/v1/status", headers=basic("anna", "wrong")).status_code == 401
    client = token_app.test_client()
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/api/v1/status", headers=right).status_code == 200
    assert client.put("/api/v1/albums/red", json={"query": "red"}, headers=right).status_code < 300
    for wrong in (f"Bearer {TOKEN}x", "Bearer", "Bearer \u00e9", f"Basic {TOKEN}", TOKEN, ""):
        refused = client.get("/api/v1/status", headers={"Authorization": wrong})
        assert refused.status_code == 401, wrong


def test_refusals_say_what_to_send_and_open_no_window_in_a_browser(
    app: Flask, token_app: Flask
) -> None:
    for made, scheme in ((app, "Basic"), (token_app, "Bearer")):
        refused = made.test_client().get("/api/v1/status")
        assert refused.status_code == 401
        assert refused.mimetype == "application/problem+json"
        assert refused.get_json(force=True)["status"] == 401
        assert refused.headers["WWW-Authenticate"].startswith(f"{scheme} realm=")
        for sent in ({"User-Agent": "Mozilla/5.0"}, {"Sec-Fetch-Site": "same-origin"}):
            refused = made.test_client().get("/api/v1/status", headers=sent)
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"].startswith("Session ")


def test_a_browser_that_keeps_a_password_does_not_send_it_for_others(app: Flask) -> None:
    kept = {**basic("anna", PASSWORD), "User-Agent": "Mozilla/5.0"}
    assert app.test_client().get("/api/v1/status", headers=kept).status_code == 401


def test_a_programs_password_is_hashed_now_and_then(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    check = users.check_password_hash
    monkeypatch.setattr(
        users, "check_password_hash", lambda *given: hashed.append(1) or check(*given)
    )
    client = app.test_client()
    for _ in range(5):
        assert client.get("/api/v1/status", headers=basic("anna", PASSWORD)).status_code == 200
    assert len(hashed) == 1
    clock.now += 3600
    client.get("/api/v1/status", headers=basic("anna", PASSWORD))
    assert len(hashed) == 2
    for _ in range(5):  # not while it goes on asking
        clock.now += TRUSTED_S - 1
        assert client.get("/api/v1/status", headers=basic("anna", PASSWORD)).status_code == 200
    assert len(hashed) == 2


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_what_a_program_sends_in_parallel_is_checked_once(
    people: Users, clock: Clock, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    hashed, go_on = [], threading.Event()
    check = users.check_password_hash

    def slow(*given: str) -> bool:
        hashed.append(1)
        assert go_on.wait(60)
        return check(*given)

    monkeypatch.setattr(users, "check_password_hash", slow)
    access = Access(PasswordDoor(people), clock)
    with ThreadPoolExecutor(attempts.FREE - 1) as pool:
        burst = [
            pool.submit(access.of_credentials, "anna", password, "192.0.2.1")
            for _ in range(attempts.FREE - 1)
        ]
        wait(burst, 0.1)  # nobody is turned away
        go_on.set()
        found = {each.result(60) for each in burst}
    assert found == {Visitor("anna", by_cookie=False) if password == PASSWORD else None}
    if password == PASSWORD:
        assert len(hashed) == 1
    assert access.log_in("anna", PASSWORD, "192.0.2.1")


def test_a_check_that_broke_is_made_again(
    people: Users, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access(PasswordDoor(people), clock)
    with monkeypatch.context() as broken:
        broken.setattr(Users, "check", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            access.of_credentials("anna", PASSWORD, None)
    assert access.of_credentials("anna", PASSWORD, None)


# Changes that nobody here has asked for


def test_a_change_must_tell_its_page_where_a_cookie_is_all_that_speaks_for_it(app: Flask) -> None:
    client = app.test_client()
    log_in(client)
    codes = {
        name: client.put("/api/v1/albums/red", json={"query": "red"}, headers=sent).status_code
        for name, sent in {
            "own origin": OWN,
            "own site": {"Sec-Fetch-Site": "same-origin"},
            "neither": {},
            "foreign": {"Origin": "http://evil.example"},
            "unnamed": {"Origin": "null"},
            "foreign site": {"Sec-Fetch-Site": "cross-site", **OWN},
        }.items()
    }
    assert codes == {
        "own origin": 200, "own site": 200, "neither": 403,
        "foreign": 403, "unnamed": 403, "foreign site": 403,
    }  # fmt: skip
    program = client.put(
        "/api/v1/albums/red", json={"query": "red"}, headers=basic("anna", PASSWORD)
    )
    assert program.status_code == 200


def test_nobody_is_logged_in_or_out_by_another_page(app: Flask) -> None:
    form = {"user": "anna", "secret": PASSWORD}
    for sent in ({}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert app.test_client().post("/login", data=form, headers=sent).status_code == 403
    client = app.test_client()
    log_in(client)
    for sent in ({}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/logout", headers=sent).status_code == 403
    assert client.get("/").status_code == 200


# How often


def test_who_is_wrong_often_waits_longer_and_longer(app: Flask, clock: Clock) -> None:
    client = app.test_client()
    codes = [log_in(client, secret=f"wrong {n}").status_code for n in range(attempts.FREE)]
    assert codes == [403] * attempts.FREE
    waits = []
    for _ in range(9):
        refused = log_in(client)  # not even with the right one
        assert refused.status_code == 429
        assert "try again in" in refused.text
        waits.append(int(refused.headers["Retry-After"]))
        clock.now += waits[-1]
        assert log_in(client, secret="wrong").status_code == 403
    assert waits[:4] == [15, 30, 60, 120]
    assert waits == sorted(waits)
    assert waits[-1] == 900
    clock.now += 900
    assert log_in(client).status_code == 303
    assert log_in(client, secret="wrong").status_code == 403  # all is forgiven


def test_programs_wait_as_well(token_app: Flask, clock: Clock) -> None:
    client = token_app.test_client()
    wrong = {"Authorization": "Bearer guessed-guessed-guessed"}
    codes = [client.get("/api/v1/status", headers=wrong).status_code for _ in range(7)]
    assert codes == [401] * attempts.FREE + [429] * 2
    refused = client.get("/api/v1/status", headers=wrong)
    assert refused.mimetype == "application/problem+json"
    assert int(refused.headers["Retry-After"]) == 15


def test_a_flood_keeps_its_owner_out_neither_at_home_nor_for_long(app: Flask, clock: Clock) -> None:
    anna = app.test_client()
    assert log_in(anna, address="192.0.2.1").status_code == 303
    flood = [
        log_in(app.test_client(), secret="wrong", address=f"198.51.100.{n}").status_code
        for n in range(20)
    ]
    assert flood == [403] * attempts.FREE + [429] * 15
    assert anna.get("/").status_code == 200
    # From where she has come before, she comes in; from elsewhere in a minute at most.
    assert log_in(app.test_client(), address="192.0.2.1").status_code == 303
    for n in range(100):
        clock.now += attempts.LONGEST_WAIT_S["user"]
        log_in(app.test_client(), secret="wrong", address=f"203.0.113.{n}")
    refused = log_in(app.test_client(), address="192.0.2.99")
    assert refused.status_code in (303, 429)
    if refused.status_code == 429:
        assert int(refused.headers["Retry-After"]) <= 60
    clock.now += attempts.LONGEST_WAIT_S["user"]
    assert log_in(app.test_client(), address="192.0.2.99").status_code == 303


def test_an_address_that_is_wrong_keeps_nobody_else_out(app: Flask) -> None:
    for n in range(10):
        log_in(app.test_client(), f"nobody {n}", "wrong", address="198.51.100.1")
    assert log_in(app.test_client(), address="198.51.100.1").status_code == 429
    assert log_in(app.test_client(), address="198.51.100.2").status_code == 303


def guesses(access: Access, address: str, name: str = "anna") -> Iterator[bool]:
    """Whether a wrong password is looked at at all, time after time."""
    for number in itertools.count():
        try:
            assert access.log_in(name, f"guess {number}", address) is None
            yield True
        except TooManyAttemptsError:
            yield False


@pytest.mark.parametrize("is_known", [True, False], ids=["where anna is known", "elsewhere"])
@pytest.mark.parametrize("often", [1, 2, 4])
def test_who_knows_one_password_cannot_try_those_of_others(
    people: Users, clock: Clock, is_known: bool, often: int
) -> None:
    """Behind one address: a household's, or a proxy's that nobody was told of."""
    access = Access(PasswordDoor(people), clock)
    here = "192.0.2.1"
    if is_known:
        assert access.log_in("anna", PASSWORD, here)
    tried = 0
    guess = guesses(access, here)
    with suppress(TooManyAttemptsError):
        for _ in range(50):
            tried += sum(next(guess) for _ in range(often))
            assert access.log_in("ben", PASSWORD + " of ben", here)
    assert tried <= attempts.FREE
    # Nor in the long run: after a wait, what is his own does not let him begin anew.
    tried = 0
    for _ in range(20):
        clock.now += 60
        with suppress(TooManyAttemptsError):
            access.log_in("ben", PASSWORD + " of ben", here)
        tried += sum(next(guess) for _ in range(often))
    assert tried <= 6  # which 20 minutes let anybody try: 15 s, 30 s, ... 480 s
    refused = [next(guesses(access, here, name)) for name in ("ben", "nobody")]
    assert refused == [False, False]


def test_two_who_log_in_at_once_take_nothing_of_others_back(clock: Clock) -> None:
    kept = attempts.Attempts(clock)
    here, anna = ("client", "a"), ("pair", "a anna")
    own = [here, ("pair", "a ben")]
    for _ in range(attempts.FREE - 3):
        kept.begin([here, anna])
    for _ in range(20):
        kept.begin(own)
        kept.begin(own)
        kept.forgive(own[1], own)
        kept.forgive(own[1], own)
        kept.begin(own)
        kept.begin(own)
        kept.forgive(own[1], own)
        kept.take_back(own[1], own)
    for _ in range(3):
        kept.begin([here, anna])
    with pytest.raises(TooManyAttemptsError):
        kept.begin(own)


def test_an_owner_who_is_wrong_now_and_then_is_forgiven(people: Users, clock: Clock) -> None:
    access = Access(PasswordDoor(people), clock)
    for _ in range(10):
        for number in range(attempts.FREE - 1):
            assert access.log_in("anna", f"wrong {number}", "192.0.2.1") is None
        assert access.log_in("anna", PASSWORD, "192.0.2.1")
    # What another at the same address was wrong in is still counted, until it is forgotten.
    for number in range(attempts.FREE - 1):
        assert access.log_in("ben", f"wrong {number}", "192.0.2.1") is None
    for _ in range(3):
        assert access.log_in("anna", PASSWORD, "192.0.2.1")
        clock.now += attempts.FORGOTTEN_S / 2
    guess = guesses(access, "192.0.2.1")
    assert [next(guess) for _ in range(attempts.FREE + 1)] == [True] * attempts.FREE + [False]


def test_strangers_elsewhere_keep_nobody_out_where_she_has_come_from(
    people: Users, clock: Clock
) -> None:
    access = Access(PasswordDoor(people), clock)
    assert access.log_in("anna", PASSWORD, "192.0.2.1")
    for number in range(100):
        next(guesses(access, f"198.51.100.{number}"))
    assert access.log_in("anna", "a slip", "192.0.2.1") is None
    assert access.log_in("anna", PASSWORD, "192.0.2.1")
    # By which the strangers have gained nothing.
    assert not any(next(guesses(access, f"203.0.113.{number}")) for number in range(5))


def test_a_household_is_one_client() -> None:
    key = attempts.client_key
    assert key("2001:db8::1") == key("2001:db8::ffff:1") != key("2001:db8:0:1::1")
    assert key("::ffff:192.0.2.1") == key("192.0.2.1") != key("192.0.2.2")
    assert key(None) == key("")
    assert len(key("x" * 10_000)[1]) < 100


def test_what_is_remembered_of_attempts_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST", 10)
    kept = attempts.Attempts()
    for n in range(100):
        kept.begin([("client", str(n))])
    assert len(kept._known) == 10


def test_who_is_refused_makes_nobody_elses_wait_shorter(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(attempts, "MOST", 10)
    kept = attempts.Attempts(clock)
    guesser, name = ("client", "a"), ("user", "anna")
    for _ in range(attempts.FREE):
        kept.begin([guesser, name])
    for n in range(100):
        with pytest.raises(TooManyAttemptsError):
            kept.begin([guesser, ("user", f"nobody {n}")])
        pair = ("pair", f"b {n}")
        turned_away = [("client", "b"), pair, ("user", f"somebody {n}")]
        kept.begin(turned_away)
        kept.take_back(pair, turned_away)
    for waits in (guesser, name):
        with pytest.raises(TooManyAttemptsError):
            kept.begin([waits])
    assert len(kept._known) == 2


def test_little_is_normalised_however_much_is_typed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[int] = []
    normalize = users.unicodedata.normalize

    def measured(form: str, typed: str) -> str:
        lengths.append(len(typed))
        return normalize(form, typed[:10_000])

    monkeypatch.setattr(users.unicodedata, "normalize", measured)
    long = "a" + "\u0323\u0301" * 5_000
    assert log_in(app.test_client(), long, long).status_code == 403
    assert log_in(app.test_client(), "anna", long).status_code == 403
    client = app.test_client()
    assert client.get("/api/v1/status", headers=basic(long, long)).status_code == 401
    assert lengths
    assert max(lengths) <= 4 * users.MOST_CHARS


def test_few_passwords_are_hashed_at_once(
    people: Users, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = PasswordDoor(people)
    access = Access(door, clock)
    for _ in range(doors.CHECKS_AT_ONCE):
        assert door._checks.acquire(blocking=False)
    for _ in range(20):  # which does not count as wrong
        with pytest.raises(TooManyAttemptsError, match="others are logging in"):
            access.log_in("anna", PASSWORD, "192.0.2.1")
    door._checks.release()
    assert access.log_in("anna", PASSWORD, "192.0.2.1")


def test_being_turned_away_takes_nothing_back(people: Users, clock: Clock) -> None:
    door = PasswordDoor(people)
    access = Access(door, clock)
    for _ in range(attempts.FREE - 1):
        assert access.log_in("anna", "wrong", "192.0.2.1") is None
    for _ in range(doors.CHECKS_AT_ONCE):
        door._checks.acquire()
    with pytest.raises(TooManyAttemptsError):
        access.log_in("anna", "wrong", "192.0.2.1")
    for _ in range(doors.CHECKS_AT_ONCE):
        door._checks.release()
    assert access.log_in("anna", "wrong", "192.0.2.1") is None
    with pytest.raises(TooManyAttemptsError, match="too many logins"):
        access.log_in("anna", PASSWORD, "192.0.2.1")


def test_nobodys_password_is_compared_with_as_much_work(
    people: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    check = users.check_password_hash
    monkeypatch.setattr(
        users, "check_password_hash", lambda *given: compared.append(given[0]) or check(*given)
    )
    door = PasswordDoor(people)
    assert not door.opens("anna", "wrong")
    assert not door.opens("nobody", "wrong")
    assert not door.opens("anna", "x" * 5000)
    assert len(compared) == 3
    assert len({each.partition("$")[0] for each in compared}) == 1


# Pictures that are brought


def picture() -> dict[str, tuple[io.BytesIO, str]]:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    return {"picture": (io.BytesIO(file.getvalue()), "a.png")}


def test_pictures_come_only_so_fast(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, index: Index, photos: Path
) -> None:
    index(photos)
    monkeypatch.setattr(limits, "AT_ONCE", 3)
    monkeypatch.setattr(limits, "A_SECOND", 0.001)
    app = create_app(settings)
    client = app.test_client()
    codes = [client.post("/api/v1/pictures", data=picture()).status_code for _ in range(4)]
    assert codes == [201, 201, 201, 429]
    refused = client.post("/pictures/", data=picture())
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 1
    assert client.get("/pictures/").status_code == 200
    other = {"REMOTE_ADDR": "192.0.2.7"}
    answer = client.post("/api/v1/pictures", data=picture(), environ_overrides=other)
    assert answer.status_code == 201
    app.extensions["pixfind"].close()


def test_an_allowance_comes_back(clock: Clock) -> None:
    allowance = limits.Allowance(2, 0.5, clock)
    assert [allowance.take("a") for _ in range(3)] == [0, 0, 2]
    clock.now += 1
    assert allowance.take("a") == 1
    clock.now += 1
    assert allowance.take("a") == 0
    clock.now += 1000
    assert [allowance.take("a") for _ in range(3)] == [0, 0, 2]


def test_few_pictures_are_looked_at_at_once() -> None:
    turns = limits.Turns(1, 1)
    assert turns.enter()
    assert not turns.enter()
    turns.leave()
    assert turns.enter()


# Passwords


def test_passwords_are_kept_as_hashes_that_only_the_owner_can_read(settings: Settings) -> None:
    known = Users(users.file_of(settings))
    known.set("anna", PASSWORD)
    file = settings.library / "passwords.json"
    assert PASSWORD not in file.read_text("utf-8")
    assert "scrypt:" in file.read_text("utf-8")
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # And at most what those lock who change it.
    left = {each.name for each in settings.library.iterdir()} - {"passwords.lock"}
    assert left == {"passwords.json"}
    assert known.check("anna", PASSWORD)
    assert not known.check("anna", PASSWORD.upper())
    assert not known.check("Anna", PASSWORD)


def test_hashes_cost_what_is_recommended() -> None:
    source = Path(users.__file__).read_text("utf-8")
    assert re.search(r'^METHOD = "scrypt:32768:8:3"$', source, re.MULTILINE)


def test_accents_are_the_same_however_they_are_typed(people: Users) -> None:
    people.set("zo\u00eb", "caf\u00e9 au lait")
    assert people.check("zo\u00eb", "cafe\u0301 au lait")
    assert PasswordDoor(people).stamp("zoe\u0308") is not None
    people.set("zo\u00eb", "\u1f82" * users.MOST_CHARS)
    assert people.check("zo\u00eb", "\u03b1\u0313\u0300\u0345" * users.MOST_CHARS)


@pytest.mark.parametrize("length", [users.MOST_CHARS + 1, 5 * users.MOST_CHARS])
def test_a_password_that_is_too_long_is_not_cut(people: Users, length: int) -> None:
    with pytest.raises(PasswordRefusedError, match="at most 1000 characters"):
        people.set("anna", "x" * length)
    assert not people.check("anna", PASSWORD + " " * length)
    assert people.check("anna", PASSWORD)


def test_who_was_removed_meanwhile_stays_removed(
    people: Users, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = users.generate_password_hash

    def slow(*given: str) -> str:
        Users(users.file_of(settings)).remove("ben")
        return generate(*given)

    people.prepare()
    monkeypatch.setattr(users, "generate_password_hash", slow)
    people.set("anna", "another password")
    assert people.names() == ["anna"]
    assert people.check("anna", "another password")


def test_users_who_are_set_at_once_are_all_kept(
    people: Users, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = users._parsed

    def slow(content: bytes) -> dict[str, str]:
        found = parsed(content)
        time.sleep(0.02)
        return found

    monkeypatch.setattr(users, "_parsed", slow)
    with ThreadPoolExecutor(4) as pool:
        for done in [
            pool.submit(Users(users.file_of(settings)).set, name, PASSWORD) for name in "cdef"
        ]:
            done.result(60)
    assert people.names() == ["anna", "ben", "c", "d", "e", "f"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PasswordFileError, match="permissions"):
        Users(tmp_path / "file" / "passwords.json").set("anna", PASSWORD)


@pytest.mark.parametrize("password", ["", "short", "anna-maria", "x" * 9, "x" * 1001])
def test_passwords_that_could_be_guessed_are_refused(people: Users, password: str) -> None:
    with pytest.raises(PasswordRefusedError):
        people.set("anna-maria", password)


@pytest.mark.parametrize("user", ["", " anna", "an:na", "a" * 65, "a\nb", "a\x1bb"])
def test_names_that_nobody_can_have(people: Users, user: str) -> None:
    with pytest.raises(UserRefusedError):
        people.set(user, PASSWORD)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"users": 1}', b'{"users": {"a": "plain"}}', b"\xff", b"["]
)
def test_a_damaged_file_lets_nobody_in(
    app: Flask, people: Users, settings: Settings, content: bytes
) -> None:
    client = app.test_client()
    log_in(client)
    users.file_of(settings).write_bytes(content)
    with pytest.raises(PasswordFileError):
        people.names()
    answer = client.get("/")
    assert answer.status_code == 500
    assert str(settings.library) not in answer.text
    assert log_in(app.test_client()).status_code == 500


@pytest.mark.parametrize(
    "token", ["", "short", "x" * 15, "spaces are no part", "é" * 20, "x" * 257]
)
def test_tokens_that_could_be_guessed_are_refused(token: str) -> None:
    with pytest.raises(TokenError):
        TokenDoor(token)


def typed(settings: Settings, *arguments: str, keys: str = "") -> Result:
    return CliRunner().invoke(
        cli, ["--library", str(settings.library), "password", *arguments], input=keys
    )


@pytest.mark.usefixtures("library")
def test_the_command_sets_lists_and_removes(settings: Settings) -> None:
    again = f"{PASSWORD}\n{PASSWORD}\n"
    for arguments, keys in (((), again), (("ben", "--stdin"), f"{PASSWORD}\n")):
        result = typed(settings, *arguments, keys=keys)
        assert result.exit_code == 0, result.output
        assert PASSWORD not in result.output
        assert result.stdout == ""
    assert Users(users.file_of(settings)).check("ben", PASSWORD)
    assert typed(settings, "--list").stdout == "ben\nowner\n"
    assert typed(settings, "--remove", "ben").exit_code == 0
    result = typed(settings, "--list", "--json")
    assert result.stdout == '{\n  "users": [\n    "owner"\n  ]\n}\n'
    gone = typed(settings, "--remove", "ben")
    assert (gone.exit_code, gone.stdout) == (1, "")
    assert "pixfind password --list" in gone.stderr


@pytest.mark.usefixtures("library")
def test_the_command_refuses_what_differs_is_short_or_makes_no_sense(settings: Settings) -> None:
    assert typed(settings, keys="one password\nanother one\n").exit_code != 0
    short = typed(settings, "--stdin", keys="short\n")
    assert (short.exit_code, short.stdout) == (1, "")
    assert "at least 10 characters" in short.stderr
    assert typed(settings, "--stdin", "--list").exit_code == 2
    assert typed(settings, "anna", PASSWORD).exit_code == 2  # never where others can see it
    assert not users.file_of(settings).exists()


@pytest.mark.parametrize("arguments", [["--stdin"], ["--remove", "anna"], ["--list"], []])
def test_the_command_makes_no_library(settings: Settings, arguments: list[str]) -> None:
    refused = typed(settings, *arguments, keys=f"{PASSWORD}\n{PASSWORD}\n")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"Error: there is no library in {settings.library};")
    assert not settings.library.exists()


def test_the_command_says_that_the_library_can_only_be_read(
    library: Library, settings: Settings, people: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("os.access", lambda _, mode: mode != os.W_OK)
        for arguments in ([], ["--stdin"], ["--remove", "anna"]):
            refused = typed(settings, *arguments, keys=f"{PASSWORD}\n")
            assert refused.exit_code == 1
            (line,) = refused.stderr.splitlines()
            assert line.startswith(f"Error: the library in {settings.library} can only be read")
        assert typed(settings, "--list").stdout == "anna\nben\n"
    assert people.names() == ["anna", "ben"]


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC])
def test_a_disk_that_takes_nothing_is_no_fault_of_the_file(
    people: Users, settings: Settings, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    for where, name in ((users, "replace_file"), (FileLock, "acquire")):
        with monkeypatch.context() as patched:
            patched.setattr(where, name, refuse)
            with pytest.raises(LibraryReadOnlyError, match="can only be read"):
                people.set("anna", "another password")
    assert Users(users.file_of(settings)).check("anna", PASSWORD)


@pytest.mark.skipif(os.name == "nt", reason="Windows asks its console, whatever the streams are")
def test_without_a_terminal_the_command_asks_for_nothing(library: Library) -> None:
    program = "import sys; from pixfind.cli.main import main; main()"
    arguments = ["--library", str(library.folder), "password", "anna"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # without the terminal of who runs the tests
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "--stdin" in line
    assert not (library.folder / users.FILE_NAME).exists()


def test_what_failed_is_told_to_who_runs_the_server_without_the_secret(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    log_in(app.test_client(), secret="mistyped secret", address="192.0.2.1")
    log_in(app.test_client(), "my password by mistake", "wrong", address="192.0.2.1")
    told = [record.getMessage() for record in caplog.records if record.name == "pixfind.access"]
    assert told == ["a login from 192.0.2.1 as anna failed", "a login from 192.0.2.1 failed"]
    assert "mistake" not in caplog.text
    assert "mistyped" not in caplog.text


def test_it_is_said_in_the_readers_language(app: Flask, token_app: Flask) -> None:
    chinese = {**FORM, "Accept-Language": "zh-CN"}
    pages = [
        app.test_client().get("/login", headers=chinese).text,
        token_app.test_client().get("/login", headers=chinese).text,
        app.test_client().post("/login", headers=chinese, data={"user": "a"}).text,
        app.test_client().get("/x", headers={"Accept-Language": "zh-CN"}).text,
    ]
    for page in pages:
        assert "登录" in page
        assert not re.search("Log in|Token|wrong|answers", page)
