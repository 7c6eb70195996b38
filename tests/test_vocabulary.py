"""Vocabularies of tags: the shipped one, and reading others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pixfind.errors import UnknownTagError, VocabularyError
from search.tags import vocabulary as module
from search.tags.phrases import phrase_of
from search.tags.vocabulary import (
    Vocabulary,
    labels_of,
    merged,
    read_vocabulary,
    shipped,
)

KINDS = {
    "person", "animal", "plant", "food", "object", "vehicle", "building",
    "scene", "activity", "event", "light", "weather", "colour", "photo",
}  # fmt: skip


def written(tmp_path: Path, content: str | bytes, name: str = "mine.tsv") -> Path:
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def read(tmp_path: Path, content: str | bytes) -> Vocabulary:
    return read_vocabulary(written(tmp_path, content))


def names(vocabulary: Vocabulary) -> list[str]:
    return [label.name for label in vocabulary.labels]


# What is shipped: reading it checks that words are unique, parents known and circles absent.


def test_shipped_tags_are_many_and_complete() -> None:
    tags = shipped()
    assert 1500 <= len(tags) <= 1700
    assert {label.kind for label in tags.labels} == KINDS
    assert min(Counter(label.kind for label in tags.labels).values()) >= 15


def test_shipped_tags_are_written_alike() -> None:
    for label in shipped().labels:
        assert label.name == label.name.lower() == label.name.strip()
        assert all(word and word == word.strip() for word in label.synonyms)
        assert label.phrase
        assert not label.phrase.endswith((".", ","))


def test_every_shipped_tag_has_a_phrase_of_its_own_in_the_file() -> None:
    data = Path(module.__file__).parents[2] / "data" / "vocabulary" / "photo_tags.tsv"
    header, *lines = data.read_text("utf-8").splitlines()
    assert header.split("\t") == list(module.COLUMNS)
    assert all(len(line.split("\t")) == 5 and line.split("\t")[4] for line in lines)
    articles = [line.split("\t")[4].split()[:2] for line in lines]
    assert not [words for words in articles if words[0] == "a" and words[1][0] in "aio"]
    assert not [words for words in articles if words[0] == "an" and words[1][0] not in "aeiouAEIX"]


def test_shipped_phrases_stand_for_one_tag_each() -> None:
    phrases = Counter(label.phrase.casefold() for label in shipped().labels)
    assert [phrase for phrase, count in phrases.items() if count > 1] == []


def test_a_dachshund_is_a_dog_is_an_animal() -> None:
    tags = shipped()
    assert tags.ancestors("dachshund") == ("dog", "mammal", "animal")
    assert "dachshund" in tags.children("dog")
    assert tags.ancestors("animal") == ()
    assert tags.children("dachshund") == ()


@pytest.mark.parametrize(
    ("word", "name"),
    [("Automobile", "car"), ("DOG", "dog"), ("mice", "mouse"), ("gray", "grey"), ("CAFÉ", "cafe"),
     ("cafe\N{COMBINING ACUTE ACCENT}", "cafe"), ("  hot   dog ", "hot dog")],
)  # fmt: skip
def test_a_tag_answers_to_its_synonyms_in_any_case(word: str, name: str) -> None:
    assert shipped().label(word).name == name


def test_an_unknown_tag_is_refused_with_the_nearest_ones() -> None:
    with pytest.raises(UnknownTagError, match="did you mean 'dachshund'") as caught:
        shipped().label("dachshnud")
    assert caught.value.close[0] == "dachshund"
    with pytest.raises(UnknownTagError, match="vocabulary of your own"):
        shipped().ancestors("qqqqqq")


# Reading.


def test_a_plain_list_is_a_vocabulary(tmp_path: Path) -> None:
    mine = read(tmp_path, "# our animals\ncat\n\n  tulips \r\nold   owl\n")
    assert mine.name == "mine"
    assert names(mine) == ["cat", "tulips", "old owl"]
    assert [label.phrase for label in mine.labels] == ["a cat", "tulips", "an old owl"]
    assert all(label.kind is None and not label.parents for label in mine.labels)


def test_columns_say_more(tmp_path: Path) -> None:
    content = "\ufefftag\tkind\tparents\tsynonyms\tphrase\nDog\tanimal\t\thound|doggy\t\n"
    content += "Rex\tanimal\tdog\t\tour dog Rex\nbowl\n"
    mine = read(tmp_path, content)
    assert mine.label("hound").name == "Dog"
    assert mine.label("rex").phrase == "our dog Rex"
    assert mine.ancestors("Rex") == ("Dog",)  # as it is written in its own line
    assert mine.label("bowl").phrase == "a bowl"


def test_a_header_may_name_fewer_columns_in_its_own_order(tmp_path: Path) -> None:
    mine = read(tmp_path, "tag\tphrase\tparents\ncot\ta baby's bed\tbed\nbed\n")
    assert mine.label("cot").phrase == "a baby's bed"
    assert mine.ancestors("cot") == ("bed",)


def test_columns_need_no_header_and_a_list_may_hold_the_word_tag(tmp_path: Path) -> None:
    assert read(tmp_path, "bed\tobject\ncot\tobject\tbed\n").ancestors("cot") == ("bed",)
    assert names(read(tmp_path, "tag\nlabel\n")) == ["tag", "label"]


def test_ancestors_come_nearest_first_and_once(tmp_path: Path) -> None:
    mine = read(tmp_path, "a\tx\tb|c\nb\tx\td\nc\tx\td|e\nd\tx\te\ne\n")
    assert mine.ancestors("a") == ("b", "c", "d", "e")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", ": no labels"),
        ("# nothing\n\n", ": no labels"),
        ("cat\n\nCat\n", ", line 3: 'cat' already stands for 'cat' in line 1"),
        ("car\nauto\tx\t\tcar\n", ", line 2: 'car' already stands for 'car' in line 1"),
        ("cat\n# and\ndog\tx\tpet\n", ", line 3: the parent 'pet' is no label"),
        ("x\na\tx\tb\nb\tx\tc\nc\tx\ta\n", "the parents go in a circle"),
        ("x\na\tx\ta\n", ", line 2: the parents go in a circle (a > a)"),
        (b"cat\nf\xfcr\n", ", line 2: not UTF-8"),
        ("cat\n\tanimal\n", ", line 2: no label in the first column"),
        ("cat\ta\tb\tc\td\te\n", ", line 1: 6 columns"),
        ("tag\tcolor\ncat\tred\n", ", line 1: a column 'color'"),
        ("tag\tkind\tkind\ncat\n", ", line 1: a column 'kind'"),
        ("cat\n" + "c" * 101 + "\n", ", line 2: 'cccc"),
        ("cat\nd\x1b[31mog\n", ", line 2: 'd\\x1b[31mog' is no label"),
    ],
)
def test_a_bad_vocabulary_is_refused_in_one_line(
    tmp_path: Path, content: str | bytes, problem: str
) -> None:
    with pytest.raises(VocabularyError) as caught:
        read(tmp_path, content)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'mine.tsv'}")
    assert problem in message
    assert "\n" not in message
    assert ";" in message  # and the next step


def test_a_circle_is_named_with_a_line_of_it(tmp_path: Path) -> None:
    content = "".join(f"n{i}\tx\tn{(i + 1) % 5000}\n" for i in range(5000))
    with pytest.raises(VocabularyError, match=r"\.\.\.") as caught:
        read(tmp_path, content)
    assert caught.value.line is not None
    assert len(str(caught.value)) < 300


def test_too_many_labels_or_bytes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LABELS", 3)
    assert len(read(tmp_path, "# three\na\nb\nc\n")) == 3
    with pytest.raises(VocabularyError, match="line 5: more than 3 labels"):
        read(tmp_path, "# four\na\nb\nc\nd\n")
    monkeypatch.setattr(module, "MAX_BYTES", 4)
    with pytest.raises(VocabularyError, match="larger than"):
        read(tmp_path, "cat\nd")


@pytest.mark.parametrize("name", ["", "nowhere.txt"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(VocabularyError, match="cannot be read"):
        read_vocabulary(tmp_path / name)


def test_labels_may_be_given_with_commas() -> None:
    given = labels_of("cat, hot  dog,,apple ")
    assert names(given) == ["cat", "hot dog", "apple"]
    assert [label.phrase for label in given.labels] == ["a cat", "a hot dog", "an apple"]
    for bad, problem in ((" ,", "no labels"), ("cat,Cat", "already stands for 'cat'")):
        with pytest.raises(VocabularyError, match=problem):
            labels_of(bad)


# What a vocabulary is, whatever its file's name.


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    one = read(tmp_path, "cat\ndog\tanimal\t\thound|pooch\n")
    same = read_vocabulary(written(tmp_path, "dog\tanimal\t\tpooch|hound\ncat\n", "other.txt"))
    assert one.fingerprint == same.fingerprint
    assert len(one.fingerprint) == 64
    others = ["cat\ndog\n", "cat\ndog\tpet\t\thound|pooch\n", "cat\ndog\tanimal\t\thound\n",
              "cat\tx\tdog\ndog\tanimal\t\thound|pooch\n",
              "cat\ndog\tanimal\t\thound|pooch\tour dog\n"]  # fmt: skip
    prints = {read(tmp_path, content).fingerprint for content in others}
    assert len(prints | {one.fingerprint}) == len(others) + 1


def test_an_own_vocabulary_goes_before_the_shipped_one(tmp_path: Path) -> None:
    file = written(tmp_path, "Dog\tpet\t\tRex\tour dog Rex\nauntie\tperson\twoman\tmachine\n")
    both = merged(read_vocabulary(file, beside=shipped()), shipped())
    assert len(both) == len(shipped()) + 1
    assert both.label("dog").phrase == "our dog Rex"
    assert both.ancestors("dachshund") == ("Dog",)
    assert both.ancestors("auntie") == ("woman", "adult", "person")
    # A name that the shipped one has remains the name of one label only.
    assert both.label("machine").name == "machine"
    assert both.label("auntie").synonyms == ()


def test_a_synonym_of_ones_own_is_taken_from_the_other(tmp_path: Path) -> None:
    both = merged(read(tmp_path, "Herbie\tcar\t\tautomobile\n"), shipped())
    assert both.label("automobile").name == "Herbie"
    assert "automobile" not in both.label("car").synonyms


def test_vocabularies_that_make_a_circle_together_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "animal\tx\tdachshund\n")
    with pytest.raises(VocabularyError, match="circle"):
        merged(read_vocabulary(file, beside=shipped()), shipped())


@pytest.mark.parametrize(
    ("word", "phrase"),
    [("cat", "a cat"), ("owl", "an owl"), ("hourglass", "an hourglass"), ("uniform", "a uniform"),
     ("umbrella", "an umbrella"), ("European robin", "a European robin"), ("the sea", "the sea"),
     ("a dog", "a dog"), ("flowers", "flowers"), ("glass", "a glass"), ("cactus", "a cactus"),
     ("snow", "snow"), ("swimming", "swimming"), ("living room", "a living room"),
     ("building", "a building"), ("riding a horse", "riding a horse"), ("our cat", "our cat"),
     ("犬", "犬"), ("people dancing", "people dancing")],
)  # fmt: skip
def test_a_word_gets_the_article_that_it_wants(word: str, phrase: str) -> None:
    assert phrase_of(word) == phrase
