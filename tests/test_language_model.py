"""The optional language model: what it is sent, what is made of its answers, and its failures.

They are had from a server process of its own (``language_model_server.py``).
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image

import pixfind as package
from pixfind.errors import (
    LanguageModelAddressError,
    LanguageModelError,
    LanguageModelHttpError,
    LanguageModelProtocolError,
    LanguageModelQueryError,
    LanguageModelTimeoutError,
    LanguageModelUnreachableError,
)
from search.language_model import (
    LanguageModel,
    Rewriting,
    answer_question,
    query_of_request,
    rewrite_description,
)

Pixfind = Callable[..., Result]
TODAY = date(2026, 3, 5)
ACCOUNT = {
    "things": ["dog", "grass"],
    "taken": "2019-07-04T12:30:00",
    "size": [2592, 1944],
    "camera": "EOS 450D",
    "path": "/home/someone/private/dog.jpg",
    "files": [{"folder": "/home/someone/private"}],
    "copies": [{"kind": "jpeg", "path": "/home/someone/private/copy.jpg"}],
}
DRAFT = "A dog on grass."
REQUEST = "show me the red pictures please, no snow"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that lives as long as this file's tests."""
    program = Path(__file__).with_name("language_model_server.py")
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIXFIND_LLM", "PIXFIND_LLM_MODEL", "PIXFIND_LLM_KEY"):
        monkeypatch.delenv(name, raising=False)
    # Whoever heeds a proxy reaches nothing at all.
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture
def model(server: str) -> Iterator[Callable[..., LanguageModel]]:
    """Return models of the server by their name."""
    opened: list[LanguageModel] = []

    def take(name: str | None = None, path: str = "", **options: Any) -> LanguageModel:
        opened.append(LanguageModel(server + path, name, **options))
        return opened[-1]

    yield take
    for each in opened:
        each.__exit__(None, None, None)


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of three pictures, made with the bundled model."""
    folder = tmp_path_factory.mktemp("llm") / "photos"
    folder.mkdir()
    for name in ("red", "green", "blue"):
        Image.new("RGB", (64, 48), name).save(folder / f"{name}.png")
    with package.open(folder.parent / "library") as library:
        library.add(folder)
    return folder.parent / "library"


@pytest.fixture
def found(pixfind: Pixfind, colours: Path, server: str) -> Pixfind:
    """Search the library with a request for one of the server's models."""
    return lambda model, *options: pixfind(
        "--library", colours, "search", "--llm", server, "--llm-model", model, *options, REQUEST
    )


def recorded(server: str) -> list[dict[str, Any]]:
    """Everything that the server was asked, oldest first."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{server}/recorded") as response:
        return json.load(response)


def error_of(result: Result) -> str:
    """The one line of a named failure."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    line = result.stderr.removesuffix("\n")
    assert line.startswith("Error: ")
    assert line.isprintable()
    assert len(line) < 600
    return line


def test_what_is_sent(model: Callable[..., LanguageModel], server: str) -> None:
    assert answer_question(model("plain", "/v1/"), ACCOUNT, "Which camera?") == "EOS 450D"
    sent = recorded(server)[-1]
    assert sent["path"] == "/v1/chat/completions"
    assert "authorization" not in sent["headers"]
    assert "cookie" not in sent["headers"]
    assert sent["body"].keys() == {"model", "messages", "temperature", "max_tokens", "stream"}
    assert (sent["body"]["temperature"], sent["body"]["stream"]) == (0, False)
    system, user = sent["body"]["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert "only facts" in system["content"]
    assert "do not know" in system["content"]
    assert "2019-07-04" in user["content"]
    assert "jpeg" in user["content"]


def test_where_files_lie_is_not_sent(model: Callable[..., LanguageModel], server: str) -> None:
    answer_question(model("plain"), ACCOUNT, "Which camera?")
    rewrite_description(model("plain"), ACCOUNT, DRAFT)
    assert all("private" not in json.dumps(sent) for sent in recorded(server))


def test_what_the_account_does_not_say(model: Callable[..., LanguageModel]) -> None:
    assert answer_question(model("plain"), ACCOUNT, "What is its owner?") == "I do not know."


def test_half_characters_are_not_sent(model: Callable[..., LanguageModel], server: str) -> None:
    assert answer_question(model("plain"), {"\udce9t": "é"}, "Which \udce9t?") == "é"
    assert "Which ?t?" in recorded(server)[-1]["body"]["messages"][-1]["content"]


def test_first_model_of_the_list_unless_named(
    model: Callable[..., LanguageModel], server: str
) -> None:
    before = len(recorded(server))
    unnamed = model()
    assert len(recorded(server)) == before  # nothing is sent before something is asked
    assert unnamed.complete([{"role": "user", "content": "red no snow"}]) == "red -snow"
    assert unnamed.name == "plain"
    paths = [sent["path"] for sent in recorded(server)[before:]]
    assert paths == ["/v1/models", "/v1/chat/completions"]


@pytest.mark.parametrize("path", ["/no-models", "/odd-models", "/other-models"])
def test_server_without_a_list_of_models(model: Callable[..., LanguageModel], path: str) -> None:
    with pytest.raises(LanguageModelProtocolError, match="model"):
        _ = model(path=path).name


def test_rewriting(model: Callable[..., LanguageModel]) -> None:
    assert rewrite_description(model("plain"), ACCOUNT, DRAFT) == Rewriting(
        "In other words: A dog on grass."
    )


def test_rewriting_that_invents_a_number_is_asked_for_again(
    model: Callable[..., LanguageModel], server: str
) -> None:
    assert rewrite_description(model("inventive"), ACCOUNT, DRAFT) == Rewriting(DRAFT)
    answer, complaint = recorded(server)[-1]["body"]["messages"][-2:]
    assert answer == {"role": "assistant", "content": "Three dogs on grass."}
    assert '"Three"' in complaint["content"]


def test_rewriting_that_insists_on_a_number_is_left_aside(
    model: Callable[..., LanguageModel],
) -> None:
    rewriting = rewrite_description(model("stubborn"), ACCOUNT, DRAFT)
    assert rewriting.text == DRAFT
    assert rewriting.notice is not None
    assert '"8"' in rewriting.notice
    assert "2019" not in rewriting.notice  # which the account has
    assert "pixfind's own" in rewriting.notice


@pytest.mark.parametrize(
    ("draft", "facts"),
    [
        ("Three dogs on grass.", {}),
        ("A photo.", {"dogs": 3}),
        ("A photo.", {"dogs": {"count": "03"}}),
        ("A photo.", {"things": ["three dogs"]}),
        ("A photo.", {"taken": "2023-03-03", "dogs": 3}),
    ],
)
def test_numbers_of_the_account_may_be_written_as_words(
    model: Callable[..., LanguageModel], draft: str, facts: dict[str, object]
) -> None:
    rewriting = rewrite_description(model("inventive"), facts, draft)
    assert rewriting == Rewriting("Three dogs on grass.")


@pytest.mark.parametrize(
    "facts",
    [{"aperture": 3.5}, {"dogs": 13}, {"pixels": "3,000"}, {"taken": "2023-03-03T03:03:03"}],
)
def test_parts_of_a_number_or_a_date_count_nothing(
    model: Callable[..., LanguageModel], facts: dict[str, object]
) -> None:
    rewriting = rewrite_description(model("inventive"), facts, "A photo.")
    assert rewriting.text == "A dog on grass."


def test_request(model: Callable[..., LanguageModel], server: str) -> None:
    assert query_of_request(model("plain"), REQUEST, TODAY) == "red -snow"
    system, *examples, asked = recorded(server)[-1]["body"]["messages"]
    assert "Thursday, 2026-03-05" in system["content"]
    assert "rating:" in system["content"]
    assert asked == {"role": "user", "content": REQUEST}
    # In March, last summer was that of the year before.
    assert any("date:2025-06..2025-08" in example["content"] for example in examples)


def test_the_examples_that_a_model_is_given_are_queries() -> None:
    from search.language_model import prompts
    from search.query import format_query, parse

    for day in (date(2024, 2, 29), date(2026, 8, 31), date(2026, 9, 1)):
        examples = [m["content"] for m in prompts.request("x", day) if m["role"] == "assistant"]
        assert [format_query(parse(example)) for example in examples] == examples


def test_query_with_a_mistake_gets_one_more_try(
    model: Callable[..., LanguageModel], server: str
) -> None:
    assert query_of_request(model("corrigible"), REQUEST) == "red -snow"
    wrong, complaint = recorded(server)[-1]["body"]["messages"][-2:]
    assert wrong == {"role": "assistant", "content": "camra:canon red"}
    assert 'no field "camra:"' in complaint["content"]


def test_query_with_a_mistake_gets_no_third_try(
    model: Callable[..., LanguageModel], server: str
) -> None:
    before = len(recorded(server))
    with pytest.raises(LanguageModelQueryError, match="camra") as caught:
        query_of_request(model("hopeless"), REQUEST)
    assert "\x1b" not in str(caught.value)
    assert len(recorded(server)) == before + 2


@pytest.mark.parametrize("name", ["silent-query", "nosy"])
def test_queries_that_nobody_asked_for(model: Callable[..., LanguageModel], name: str) -> None:
    with pytest.raises(LanguageModelQueryError):
        query_of_request(model(name), REQUEST)


def test_a_picture_that_the_request_names(model: Callable[..., LanguageModel]) -> None:
    request = "what looks like /etc/passwd"
    assert query_of_request(model("nosy"), request) == "like:/etc/passwd"


def test_thoughts_are_no_answer(model: Callable[..., LanguageModel]) -> None:
    assert answer_question(model("thinking"), ACCOUNT, "What?") == "A dog on grass."


def test_answers_are_printable_and_bounded(model: Callable[..., LanguageModel]) -> None:
    answer = answer_question(model("control"), ACCOUNT, "What?")
    assert answer.isprintable()
    assert answer.startswith("a\ufffd[31m dog\ufffd")
    assert len(answer) == 4000


def test_key_comes_as_a_bearer_token(model: Callable[..., LanguageModel]) -> None:
    asked = [{"role": "user", "content": "?"}]
    assert model("locked", key=" a-secret-key\n").complete(asked) == "a dog behind a lock"
    with pytest.raises(LanguageModelHttpError, match=r"401: no key.*PIXFIND_LLM_KEY"):
        model("locked").complete(asked)


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel", "nul\x00"])
def test_key_that_cannot_be_sent(key: str) -> None:
    with pytest.raises(LanguageModelAddressError, match="PIXFIND_LLM_KEY") as caught:
        LanguageModel("http://localhost", key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "", " ", "localhost:11434", "ftp://localhost", "file:///etc/passwd", "http://",
        "http://me:secret@localhost", "http://secret@localhost", "http://localhost/?key=secret",
        "http://localhost#secret", "http://localhost:secret", "http://[secret", "http://a\x00secret",
        "//localhost", "http:secret@localhost", "http://secret..b", "http://" + "secret" * 20,
    ],
)  # fmt: skip
def test_addresses_that_are_none_are_not_repeated(url: str) -> None:
    with pytest.raises(LanguageModelAddressError, match="http://localhost:11434") as caught:
        LanguageModel(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("http://localhost:11434/v1/", "http://localhost:11434"),
        (" HTTPS://Example.org/api/ ", "https://example.org/api"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_addresses(typed: str, url: str) -> None:
    assert LanguageModel(typed).url == url


def test_connection_that_breaks_off_is_tried_once_more(
    model: Callable[..., LanguageModel], server: str
) -> None:
    asked = [{"role": "user", "content": "?"}]
    assert model("reset-once").complete(asked) == "a dog at last"
    before = len(recorded(server))
    with pytest.raises(LanguageModelUnreachableError):
        model("reset").complete(asked)
    assert len(recorded(server)) == before + 2


@pytest.mark.parametrize("name", ["slow", "drip"])
def test_answer_that_takes_too_long(model: Callable[..., LanguageModel], name: str) -> None:
    with pytest.raises(LanguageModelTimeoutError, match=r"within 0.3 s.*--llm-timeout"):
        model(name, timeout=0.3).complete([{"role": "user", "content": "?"}])


def test_redirects_are_not_followed(model: Callable[..., LanguageModel], server: str) -> None:
    with pytest.raises(LanguageModelHttpError, match="307: look at /elsewhere"):
        model("redirect").complete([{"role": "user", "content": "?"}])
    assert all("elsewhere" not in sent["path"] for sent in recorded(server))


def test_search_with_a_request(found: Pixfind, colours: Path) -> None:
    result = found("plain", "--all")
    assert result.exit_code == 0
    assert result.stderr == "understood as: red -snow\n"
    assert result.stdout.splitlines()[0].endswith(f"{colours.parent}/photos/red.png  (name)")
    answer = json.loads(found("plain", "--all", "--json").stdout)
    assert answer["query"] == "red -snow"


def test_request_to_the_model_of_the_environment(
    pixfind: Pixfind, colours: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXFIND_LLM", server)
    monkeypatch.setenv("PIXFIND_LLM_MODEL", "corrigible")
    asked = pixfind("--library", colours, "search", "--all", "--request", "a", "red", "one")
    assert asked.stderr == "understood as: red -snow\n"
    # Nobody's queries go through a model just because there is one.
    before = len(recorded(server))
    assert pixfind("--library", colours, "search", "--all", "red").stderr == ""
    assert len(recorded(server)) == before


def test_request_without_a_model(pixfind: Pixfind, colours: Path) -> None:
    line = error_of(pixfind("--library", colours, "search", "--request", "red"))
    assert "--llm URL" in line
    assert "$PIXFIND_LLM" in line


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("slow", "did not answer within 0.3 s"),
        ("error", "answered 500: out of\ufffd[31m memory"),
        ("error-of-ollama", 'answered 404: model "x" not found; name a model'),
        ("error-long", "answered 503: <h1>busy"),
        ("error-without-words", "answered 502: without a word"),
        ("truncated", "does not answer in JSON"),
        ("html", "does not answer in JSON"),
        ("nested", "does not answer in JSON"),
        ("other", "an answer without any text"),
        ("without-text", "an answer without any text"),
        ("empty", "an empty answer; name another model"),
        ("unfinished", "an empty answer"),
        ("huge", "more than a mebibyte"),
        ("redirect", "follows no redirects"),
        ("reset", "no language model can be reached at http://127.0.0.1:"),
        ("locked", "$PIXFIND_LLM_KEY"),
        ("hopeless", "no query of the request"),
    ],
)
def test_failures_are_one_line(found: Pixfind, name: str, said: str) -> None:
    assert said in error_of(found(name, "--llm-timeout", "0.3" if name == "slow" else "60"))


def test_nothing_answers(pixfind: Pixfind, colours: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        line = error_of(pixfind("--library", colours, "search", "--llm", url, "red"))
    assert f"no language model can be reached at {url} (" in line
    assert "ollama serve" in line


def test_every_error_is_one_of_the_family() -> None:
    family = LanguageModelError.__subclasses__()
    assert len(family) == 6
    assert issubclass(LanguageModelError, package.PixfindError)


def test_nothing_of_it_is_imported_for_a_search() -> None:
    program = (
        "import sys, pixfind.cli.main, pixfind.api, search.engine; "
        "print(*(m for m in sys.modules if 'httpx' in m or m.startswith('search.language_model')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "\n"


@pytest.mark.usefixtures("described_before")
def test_ask(pixfind: Pixfind, colours: Path, server: str) -> None:
    image = colours.parent / "photos" / "red.png"
    options = ("--llm", server, "--llm-model", "plain")
    asked = ("--library", colours, "ask", image, "Who is its owner?", *options)
    result = pixfind(*asked)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "I do not know.\n"
    sent = recorded(server)[-1]["body"]["messages"][-1]["content"]
    assert sent.endswith("\nQuestion: Who is its owner?")
    assert str(colours.parent) not in sent
    answer = json.loads(pixfind(*asked, "--json").stdout)
    assert list(answer) == ["path", "question", "answer", "language_model", "account"]
    assert (answer["answer"], answer["language_model"]) == ("I do not know.", "plain")


@pytest.mark.usefixtures("described_before")
def test_describe_in_other_words(pixfind: Pixfind, colours: Path, server: str) -> None:
    options = ("--library", colours, "describe", "1", "--llm", server, "--llm-model")
    own = pixfind(*options[:4]).stdout
    assert pixfind(*options, "plain").stdout == f"In other words: {own}"
    document = json.loads(pixfind(*options, "plain", "--json").stdout)["results"][0]
    assert document["language_model"] == "plain"
    result = pixfind(*options, "stubborn", "--json")
    document = json.loads(result.stdout)["results"][0]
    assert (document["sentence"] + "\n", document["language_model"]) == (own, None)
    assert "pixfind's own" in result.stderr


@pytest.mark.usefixtures("described_before")
def test_an_alternative_text_stays_short(pixfind: Pixfind, colours: Path, server: str) -> None:
    result = pixfind(
        "--library", colours, "describe", "--alt", "1", "--llm", server, "--llm-model", "control"
    )
    assert (result.exit_code, len(result.stdout.strip()) <= 125) == (0, True)


@pytest.mark.usefixtures("described_before")
def test_a_server_that_is_not_there_is_named_once(pixfind: Pixfind, colours: Path) -> None:
    nowhere = "http://127.0.0.1:1"
    result = pixfind("--library", colours, "describe", "1", "2", "--json", "--llm", nowhere)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert json.loads(result.stdout)["results"] == []


def test_ask_without_a_model(pixfind: Pixfind, colours: Path) -> None:
    image = colours.parent / "photos" / "red.png"
    line = error_of(pixfind("--library", colours, "ask", image, "what?"))
    assert "--llm URL" in line


@pytest.mark.usefixtures("described_before")
@pytest.mark.parametrize("name", ["error", "truncated", "redirect", "empty"])
def test_ask_fails_in_one_line(pixfind: Pixfind, colours: Path, server: str, name: str) -> None:
    image = colours.parent / "photos" / "red.png"
    options = ("--llm", server, "--llm-model", name)
    error_of(pixfind("--library", colours, "ask", image, "what?", *options))
