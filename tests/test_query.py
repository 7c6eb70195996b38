"""The query language: what is read, what is written back, and what is said of mistakes."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pixfind.errors import QueryError, QuerySyntaxError
from pixfind.parts import Box
from search.query import (
    Area,
    Dates,
    Filter,
    Like,
    Limit,
    Numbers,
    Order,
    Phrase,
    Query,
    Score,
    Sort,
    Term,
    Text,
    Value,
    describe,
    format_query,
    format_term,
    parse,
)
from search.query.fields import FIELDS, Field, Kind
from search.query.grammar import ESCAPES, EXAMPLES, OPERATORS, grammar_text, markdown

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "brought-0123456789abcdef"


def text_filter(field: str, *texts: str, negative: bool = False) -> Filter:
    return Filter(field, tuple(map(Text, texts)), negative)


def phrases(*texts: str) -> tuple[Phrase, ...]:
    return tuple(map(Phrase, texts))


PHRASES = {
    "": (),
    " \t\r\n": (),
    "a dog on grass": phrases("a dog on grass"),
    "  a \t dog\non\u00a0\u3000grass ": phrases("a dog on grass"),
    '"a dog"^2 + beach': (Phrase("a dog", 2), Phrase("beach")),
    '"a dog"beach "at  night"': phrases("a dog", "beach", "at night"),
    '"a dog"+beach+night': phrases("a dog", "beach+night"),
    "a dog^2 beach": (Phrase("a dog", 2), Phrase("beach")),
    "a dog^2+beach^.5-snow": (Phrase("a dog", 2), Phrase("beach", 0.5), Phrase("snow", 1, True)),
    "a^2b a^b a^ ^ ^2 a^2.x": phrases("a^2b a^b a^ ^ ^2 a^2.x"),
    "a^0.001": (Phrase("a", 0.001),),
    "a^100": (Phrase("a", 100),),
    "C++ a+b 1+1": phrases("C++ a+b 1+1"),
    "+ a + b": phrases("a", "b"),
    "+a +b": phrases("a", "b"),
    "dog + -snow + camera:canon": (
        Phrase("dog"),
        Phrase("snow", negative=True),
        text_filter("camera", "canon"),
    ),
    "dog -snow beach": (Phrase("dog"), Phrase("snow", 1, True), Phrase("beach")),
    'dog -"deep  snow"^2': (Phrase("dog"), Phrase("deep snow", 2, True)),
    "-snow^2": (Phrase("snow", 2, True),),
    "a well-known dog - and -- a --cat -": phrases("a well-known dog - and -- a --cat -"),
    "dog camera:canon beach": (Phrase("dog"), text_filter("camera", "canon"), Phrase("beach")),
    "at 12:30 note: a (big) dog | cat": phrases("at 12:30 note: a (big) dog | cat"),
    "-12:30": (Phrase("12:30", 1, True),),
    "camera：canon": phrases("camera：canon"),
    "größe:1": phrases("größe:1"),
    "“a dog” «a cat» „a bird“ »a cow«": phrases("a dog", "a cat", "a bird", "a cow"),
    "собака 狗 כלב 👩‍👩‍👧 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f": phrases(
        "собака 狗 כלב 👩‍👩‍👧 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
    ),
    "ｄｏｇ ﬁsh": phrases("ｄｏｇ ﬁsh"),
    'a\udcffdog "\ud800"': phrases("a\ufffddog", "\ufffd"),
}
ESCAPED = {
    r'"a \"big\" dog"': phrases('a "big" dog'),
    r'"a \\ b\c"': phrases(r"a \ b\c"),
    r"“a \” b”": phrases("a ” b"),
    r"a \"dog\"": phrases('a "dog"'),
    r"\-snow \+plus": phrases("-snow +plus"),
    r"-\-snow": (Phrase("-snow", 1, True),),
    r"a\^2 b\^x": phrases(r"a^2 b\^x"),
    r"a\\^2": (Phrase("a\\", 2),),
    r"camera\:canon camra\:x 12\:30": phrases(r"camera:canon camra:x 12\:30"),
    r"a\b \ \\x": phrases(r"a\b \ \\x"),
    r'a\\"b"': phrases("a\\", "b"),
    r"like:C:\photos\x.jpg": (Like(r"C:\photos\x.jpg"),),
    r"folder:C:\photos\(1)\-x\+y": (text_filter("folder", r"C:\photos\(1)\-x\+y"),),
    r"folder:\\server\photos" + "\\": (text_filter("folder", "\\\\server\\photos\\"),),
    r"file:a\"b file:a\|b file:\(1).jpg": (
        text_filter("file", 'a"b'),
        text_filter("file", "a|b"),
        text_filter("file", "(1).jpg"),
    ),
    r"file:(a\)|b\|c|d(e)": (text_filter("file", "a)", "b|c", "d(e"),),
    r'file:\*x* file:"\*x*"': (text_filter("file", r"\*x*"), text_filter("file", r"\*x*")),
}
LIKES = {
    "like:12": (Like("12"),),
    "like:12^2 LIKE:12": (Like("12", 2), Like("12")),
    "like:holiday.jpg^2": (Like("holiday.jpg^2"),),
    r"like:12\^2": (Like("12^2"),),
    'like:"my  photo.jpg"^.5': (Like("my  photo.jpg", 0.5),),
    '-like:"a|b"+dog': (Like("a|b", 1, True), Phrase("dog")),
    "-like:(1)|x.jpg": (Like("(1)|x.jpg", 1, True),),
    "like:a\udcff.jpg": (Like("a\udcff.jpg"),),
    "like:12@0.1,0.2,0.3,0.4": (Like("12", box=Box(0.1, 0.2, 0.3, 0.4)),),
    "-like:12@0,.5,1,0.5^2 dog": (Like("12", 2, True, Box(0, 0.5, 1, 0.5)), Phrase("dog")),
    "like:12@0.3334,0,0.6667,1": (Like("12", box=Box(0.3334, 0, 0.6667, 1)),),  # rounded
    'like:"12"@0,0,1,1 like:"my @1.jpg"@0,0,1,1^.5': (
        Like("12", box=Box(0, 0, 1, 1)),
        Like("my @1.jpg", 0.5, box=Box(0, 0, 1, 1)),
    ),
    f"like:{TOKEN}": (Like(TOKEN),),
    f"like:{TOKEN}@0,0,.5,.5^2+dog": (Like(TOKEN, 2, box=Box(0, 0, 0.5, 0.5)), Phrase("dog")),
    f"like:{TOKEN}^2 -like:{TOKEN}": (Like(TOKEN, 2), Like(TOKEN, negative=True)),
    # Names of files, all of them.
    "like:12@2x.jpg like:12@home": (Like("12@2x.jpg"), Like("12@home")),
    "like:a.jpg@0,0,1,1": (Like("a.jpg@0,0,1,1"),),
    r"like:12\@0,0,1,1": (Like("12@0,0,1,1"),),
    'like:"12@0,0,1,1"': (Like("12@0,0,1,1"),),
    f"like:{TOKEN[:-1]}^2": (Like(f"{TOKEN[:-1]}^2"),),
    f"like:{TOKEN.replace('b', 'B')}^2": (Like(f"{TOKEN.replace('b', 'B')}^2"),),
}
NUMBERS = {
    "width:3000": Numbers(3000, 3000),
    "width:3000px": Numbers(3000, 3000),
    "width:1000..2000": Numbers(1000, 2000),
    "width:..2000": Numbers(None, 2000),
    "width:1000..": Numbers(1000, None),
    "width:>3000": Numbers(3000, None, low_included=False),
    "width:>=3000": Numbers(3000, None),
    "width:<3000": Numbers(None, 3000, high_included=False),
    "width:<=3000": Numbers(None, 3000),
    "width:>1..<2": Numbers(1, 2, low_included=False, high_included=False),
    "focal:24mm..70.5": Numbers(24, 70.5),
    "aperture:.95": Numbers(0.95, 0.95),
    "year:2019..2021": Numbers(2019, 2021),
    "month:JUNE": Numbers(6, 6),
    "month:jun..Sept": Numbers(6, 9),
    "month:>10": Numbers(10, None, low_included=False),
    "rating:0": Numbers(0, 0),
    'iso:"> 400"': Numbers(400, None, low_included=False),
}
DATES = {
    "2019": (date(2019, 1, 1), date(2019, 12, 31)),
    "2020-2": (date(2020, 2, 1), date(2020, 2, 29)),
    "2020-2-9": (date(2020, 2, 9), date(2020, 2, 9)),
    "9999-12": (date(9999, 12, 1), date(9999, 12, 31)),
    "2019..2021-06": (date(2019, 1, 1), date(2021, 6, 30)),
    "..2020": (None, date(2020, 12, 31)),
    "2019-05..": (date(2019, 5, 1), None),
    ">2019": (date(2020, 1, 1), None),
    ">=2019-06": (date(2019, 6, 1), None),
    "<2019": (None, date(2018, 12, 31)),
    "<=2019-06-05": (None, date(2019, 6, 5)),
}
FILTERS = {
    "camera:(canon|nikon)": (text_filter("camera", "canon", "nikon"),),
    'camera:( "EOS  450D" | nikon  d40 |x )': (
        text_filter("camera", "EOS 450D", "nikon d40", "x"),
    ),
    "TYPE:Photo|VIDEO": (text_filter("type", "photo", "video"),),
    'camera:"a b"|c dog': (text_filter("camera", "a b", "c"), Phrase("dog")),
    "-has:gps has:tag": (text_filter("has", "gps", negative=True), text_filter("has", "tag")),
    "date:2019|>2021": (
        Filter("date", (Dates(*DATES["2019"]), Dates(date(2022, 1, 1), None))),
    ),
    "tag:a\udcff file:a\udcff": (text_filter("tag", "a\ufffd"), text_filter("file", "a\udcff")),
    'folder:" a  b "': (text_filter("folder", " a  b "),),
    "camera:C-3:x^2+y": (text_filter("camera", "C-3:x^2+y"),),
    "near:48.137,11.575,10km": (Filter("near", (Area(48.137, 11.575, 10_000),)),),
    "near:-33.5,-0.25,500M": (Filter("near", (Area(-33.5, -0.25, 500),)),),
    "near:(1, 2, 3 | 4,5,1 mi)": (
        Filter("near", (Area(1, 2, 3000), Area(4, 5, 1609.344))),
    ),
    "sort:-date limit:5 score:>0.5": (
        Sort(Order.NEWEST),
        Limit(5),
        Score(Numbers(0.5, None, low_included=False)),
    ),
    "Sort:NAME score:0.2..0.8": (Sort(Order.NAME), Score(Numbers(0.2, 0.8))),
}  # fmt: skip
READ: dict[str, tuple[Term, ...]] = {**PHRASES, **ESCAPED, **LIKES, **FILTERS}


@pytest.mark.parametrize("text", READ)
def test_reading(text: str) -> None:
    query = parse(text)
    assert query.terms == READ[text]
    assert parse(format_query(query)) == query


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers(text: str) -> None:
    (term,) = parse(text).terms
    assert isinstance(term, Filter)
    assert term.values == (NUMBERS[text],)
    assert parse(format_term(term)).terms == (term,)


@pytest.mark.parametrize("text", DATES)
@pytest.mark.parametrize("field", ["date", "seen"])
def test_dates(field: str, text: str) -> None:
    query = parse(f"{field}:{text}")
    assert query.terms == (Filter(field, (Dates(*DATES[text]),)),)
    assert parse(format_query(query)) == query


def test_what_a_query_holds() -> None:
    query = parse("dog -snow like:3 has:gps limit:7 sort:date score:>=0.5")
    assert query.phrases == (Phrase("dog"), Phrase("snow", negative=True))
    assert query.likes == (Like("3"),)
    assert query.filters == (text_filter("has", "gps"),)
    assert (query.limit, query.order, query.score) == (7, Order.OLDEST, Numbers(0.5, None))


@pytest.mark.parametrize("field", FIELDS.values(), ids=lambda field: field.name)
def test_every_field_can_be_asked_for_as_its_examples_say(field: Field) -> None:
    for value in field.examples + field.choices:
        (term,) = parse(f"{field.name.upper()}:{value}").terms
        assert parse(format_term(term)).terms == (term,)
        assert describe(term)
    assert field.meaning
    assert parse(field.suggestion)


SOME_PART = "@0.1,0.2,0.3,0.4"
# What was typed: the position, what the message says, the suggestion.
MISTAKES = {
    "a dog camra:x": (7, 'there is no field "camra:"', "camera:"),
    "-Camra:x": (2, 'there is no field "camra:"', "camera:"),
    "see http://x.org": (5, 'there is no field "http:"', '"http://x.org"'),
    r"C:\photos": (1, 'there is no field "c:"', r'"C:\photos"'),
    "dog camera:": (5, "camera: has no value; expected text such as canon", "camera:canon"),
    "-date: 2019": (2, "date: has no value; expected a date such as 2019", "date:2019"),
    "like:": (1, "like: has no value", "like:12"),
    'like:""': (6, "like: has no value", "like:12"),
    "camera:()": (9, "camera: has no value", "camera:canon"),
    "camera:(": (8, "camera: has no value", "camera:canon"),
    "camera:|a": (8, "camera: has no value", "camera:canon"),
    "camera:a|": (9, "camera: has no value", "camera:canon"),
    'camera:" "': (8, "camera: has no value", "camera:canon"),
    'a "dog': (3, "a quote is not closed", '"dog"'),
    'a 5" nail': (4, "a quote is not closed", r"5\""),
    r'folder:"C:\x' + '\\"': (8, "a quote is not closed", r'"C:\x' + '\\\\"'),
    "“": (1, "a quote is not closed", '""'),
    'a "" b': (3, "there is nothing between the quotes", '"a dog"'),
    "camera:(a|b c": (8, "a parenthesis is not closed", "(a|b c)"),
    'camera:("a" b)': (8, "a parenthesis is not closed", '("a")'),
    "file:(img(1).jpg|b)": (13, 'white space after the value, found ".jpg|b)"', '"img(1).jpg"'),
    'camera:a"b" c': (9, "expected white space after the value", 'a "b"'),
    'camera:"a"^2': (11, 'expected white space after the value, found "^2"', '"a"'),
    'like:a"b"': (7, "expected white space after the value", 'a "b"'),
    "a +": (3, "there is nothing after +", "a dog + beach"),
    "+": (1, "there is nothing after +", "a dog + beach"),
    "a + + b": (3, "there is nothing after +", "a dog + beach"),
    '"a"^': (4, "expected a weight such as ^2", "^2"),
    '"a"^x b': (4, 'expected a weight such as ^2 or ^0.5, found "^x"', "^2"),
    "a^101": (2, "expected a weight from 0.001 to 100", "^100"),
    "a^0.0": (2, "expected a weight from 0.001 to 100", "^0.001"),
    'dog + "a"^.0009': (10, 'from 0.001 to 100, found "^.0009"', "^0.001"),
    "-a^0." + "0" * 400 + "1": (3, "expected a weight from 0.001 to 100", "^0.001"),
    "like:12^" + "9" * 400: (8, "expected a weight", "^100"),
    "like:12@": (8, "expected left, top, width and height of a part", SOME_PART),
    "like:12@0.1,0.2": (8, 'as shares of the picture, found "@0.1,0.2"', SOME_PART),
    "like:12@0,0,1,1,1": (8, "expected left, top, width and height", SOME_PART),
    "like:12@10%,10%,50%,50%": (8, "expected left, top, width and height", SOME_PART),
    "like:12@-0.1,0,1,1^2": (8, 'found "@-0.1,0,1,1"', SOME_PART),
    f"dog -like:{TOKEN}@,,,": (35, 'found "@,,,"', SOME_PART),
    "like:12@0.8,0,0.5,1": (8, "expected a part inside the picture", SOME_PART),
    "like:12@0,1,1,0.02": (8, "left + width and top + height up to 1", SOME_PART),
    "like:12@0,0,1,1" + "0" * 400: (8, "expected a part inside the picture", SOME_PART),
    "like:12@0.5,0.5,0.01,0.5": (8, "large enough to see: at least 0.02", SOME_PART),
    "like:12@0,0,0,0": (8, 'wide and high, found "@0,0,0,0"', SOME_PART),
    'like:"a b.jpg"@1': (15, 'found "@1"', SOME_PART),
    "like:12@0,0,1,1^x": (16, "expected a weight such as ^2", "^2"),
    'like:12@0,0,1,1"dog"': (16, "expected white space after the value", '12@0,0,1,1 "dog"'),
    "width:big": (7, 'expected a number such as 3000 or >3000, found "big"', "width:3000"),
    "width:1,000": (7, "expected a number", "width:3000"),
    "width:-5": (7, "expected a number", "width:3000"),
    "width:٣": (7, "expected a number", "width:3000"),
    "width:..": (7, "expected a number", "width:3000"),
    "width:>": (7, "expected a number", "width:3000"),
    "width:1..2..3": (7, "expected a number", "width:3000"),
    "width:" + "9" * 400: (7, "expected width from 0 to 10000000", "width:3000"),
    "iso:100|x": (9, 'expected a number such as 400 or >=1600, found "x"', "iso:400"),
    "year:2019.5": (6, "expected a whole number", "year:2019"),
    "year:1800": (6, "expected year from 1826 to 9999", "year:2019"),
    "rating:6": (8, "expected rating from 0 to 5", "rating:5"),
    "rating:5..3": (8, '"5..3" is an impossible range', "rating:3..5"),
    "rating:>3..3": (8, "is an impossible range", "rating:3..3"),
    "month:13": (7, "expected month from 1 to 12", "month:6"),
    "month:jupiter": (7, "expected a whole number", "month:6"),
    "month:nov..feb": (7, "is an impossible range", "month:nov..12|1..feb"),
    "date:soon": (6, 'expected a date such as 2019 or 2019..2021-06, found "soon"', "date:2019"),
    "date:1.5.2019": (6, "expected a date", "date:2019"),
    "date:..": (6, "expected a date", "date:2019"),
    "date:1825": (6, "expected a year from 1826 to 9999", "date:2019"),
    "date:2019-02-30": (6, 'there is no date "2019-02-30"', "date:2019-02"),
    "date:2019-13": (6, 'there is no date "2019-13"', "date:2019"),
    "date:2019-00-01": (6, 'there is no date "2019-00-01"', "date:2019"),
    "date:2021..2019-05": (6, "is an impossible range", "date:2019-05..2021"),
    "date:>9999": (6, "is an impossible range", "date:2019.."),
    "date:<1826": (6, "is an impossible range", "date:2019.."),
    "near:here": (6, "expected LATITUDE,LONGITUDE,RADIUS", "near:48.137,11.575,10km"),
    "near:91,0,1": (6, "expected a latitude from -90 to 90", "near:48.137,11.575,10km"),
    "near:0,-181,1": (6, "expected a longitude from -180 to 180", "near:48.137,11.575,10km"),
    "near:0,0,0m": (6, "expected a radius above 0 and up to 20000 km", "near:48.137,11.575,10km"),
    "near:0,0,20001": (6, "expected a radius", "near:48.137,11.575,10km"),
    "has:tags": (5, 'expected one of gps, tag, caption, found "tags"', "has:tag"),
    "type:audio": (6, "expected one of photo, video", "type:photo"),
    "sort:newest": (6, "expected one of relevance, date, -date, name", "sort:relevance"),
    "sort:date dog sort:name": (15, "sort: is there twice", "sort:relevance"),
    "dog -limit:3": (5, "limit: cannot be excluded", "limit:20"),
    "limit:3|4": (1, "limit: has more than one value", "limit:20"),
    "limit:>3": (7, 'expected a whole number such as 20 or 100, found ">3"', "limit:20"),
    "limit:0": (7, "expected limit from 1 to 100000", "limit:20"),
    "score:1.5": (7, "expected score from 0 to 1", "score:>0.5"),
    "a \x00": (3, "cannot be seen (U+0000)", "a"),
    "a\x0bb": (2, "cannot be seen (U+000B)", "ab"),
    "a\u202eb": (2, "cannot be seen (U+202E)", "ab"),
    "\ufeff": (1, "cannot be seen (U+FEFF)", "a dog on grass"),
    "🏴\U000e0067": (2, "cannot be seen (U+E0067)", "🏴"),
    "a" * 2001: (2001, "longer than 2000 characters", "fewer words"),
    " -a" * 65: (194, "more than 64 terms", "fewer words"),
    "tag:" + "|".join("a" * 33): (5, "tag: has more than 32 values", "tag:family"),
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: ascii(text[:30]))
def test_mistakes(text: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)
    position, message, suggestion = MISTAKES[text]
    check_mistake(text, caught.value)
    assert (caught.value.position, caught.value.suggestion) == (position, suggestion)
    assert message in str(caught.value)


def check_mistake(text: str, error: QuerySyntaxError) -> None:
    assert 1 <= error.position <= len(text)
    assert error.expected
    assert error.suggestion
    message = str(error)
    assert message.startswith(f"in the query at character {error.position}: ")
    assert error.suggestion in message
    assert len(message.splitlines()) == 1
    assert len(message) < 300
    assert message.encode("utf-8")


def test_as_many_terms_and_values_as_there_may_be() -> None:
    assert len(parse(" -a" * 64).terms) == 64
    (term,) = parse("tag:" + "|".join("a" * 32)).filters
    assert len(term.values) == 32
    assert parse("a" * 2000).phrases == phrases("a" * 2000)


CANONICAL = {
    "  a   dog ": "a dog",
    'a "dog"  cat': "a + dog + cat",
    "a dog^2": '"a dog"^2',
    '"dog"^2.0': "dog^2",
    '-"snow" -"deep snow"': '-snow -"deep snow"',
    "x^1": "x",
    '"-x"': '"-x"',
    "12:30": '"12:30"',
    r'"a\"b\c"': r'"a\"b\c"',
    'folder:"C:\\photos"': r"folder:C:\photos",
    r'folder:"C:\my photos\\"': r'folder:"C:\my photos\\"',
    "TYPE:photo|Video": "type:(photo|video)",
    'like:"12" like:"12^2"': 'like:12 like:"12^2"',
    'like:"12"@.5,.50,0.25,00.5^2': "like:12@0.5,0.5,0.25,0.5^2",
    'like:"12@0,0,1,1" like:a@0,0,1,1': 'like:"12@0,0,1,1" like:a@0,0,1,1',
    'like:"x.jpg"@0,0.00001,1,.5': 'like:"x.jpg"@0,0.00001,1,0.5',
    f'like:"{TOKEN}"@0,0,1,1': f"like:{TOKEN}@0,0,1,1",
    "date:2019-01-01..2019-12-31": "date:2019",
    "date:2019-06-01..2019-06-30": "date:2019-06",
    "date:2019-01-01..2021-06-30": "date:2019..2021-06",
    "date:2019-1-1": "date:2019-01-01",
    "date:2020-02..2020-02-28": "date:2020-02..2020-02-28",
    "date:>2019-06": "date:2019-07..",
    "date:<2019": "date:..2018",
    "width:3000..": "width:>=3000",
    "width:>3000.50": "width:>3000.5",
    "month:may..July": "month:5..7",
    "date:2019-12": "date:2019-12",
    r'a\\"b"': '"a\\\\" + b',
    r'like:"x\\"^2 like:"x.jpg"^2': r'like:"x\\"^2 like:"x.jpg"^2',
    r'file:("a\\"|b)': r'file:("a\\"|b)',
    "near:1,2,3": "near:1,2,3km",
    "near:1,2,0.00005km": "near:1,2,0.05m",
    "near:0.0000001,2,1500m": "near:0.0000001,2,1.5km",
}


@pytest.mark.parametrize("text", CANONICAL)
def test_canonical_text(text: str) -> None:
    assert format_query(parse(text)) == CANONICAL[text]
    assert parse(CANONICAL[text]) == parse(text)


EXPLAINED = {
    "a dog^2": '"a dog" (weight 2)',
    "-snow": 'not: "snow"',
    "like:12^.5": "like photo 12 (weight 0.5)",
    "-like:a.jpg": "not: like a.jpg",
    "like:12@0.1,0.2,0.3,0.4": "like a part of photo 12",
    '-like:"a b.jpg"@0,0,1,1^2': "not: like a part of a b.jpg (weight 2)",
    f"-like:{TOKEN}": "not: like your picture",
    f"like:{TOKEN}@0,0,1,1": "like a part of your picture",
    "camera:canon|nikon": "camera is canon or nikon",
    "-camera:canon": "not: camera is canon",
    "date:2019..2021-06": "taken from 2019-01-01 to 2021-06-30",
    "date:2019-06-05|2020..|..2018": (
        "taken on 2019-06-05 or since 2020-01-01 or until 2018-12-31"
    ),
    "seen:2024": "first seen from 2024-01-01 to 2024-12-31",
    "near:48.137,11.575,10km": "within 10 km of 48.137, 11.575",
    "near:1,2,500m": "within 500 m of 1, 2",
    "width:3000": "width is 3000 px",
    "width:>3000": "width over 3000 px",
    "height:1..2": "height from 1 px to 2 px",
    "iso:>1..<2": "iso over 1 and under 2",
    "rating:<=3": "rating at most 3",
    "month:6..8|12": "month from June to August or is December",
    "has:gps": "has gps",
    "sort:-date": "newest first",
    "limit:1": "at most 1 result",
    "limit:20": "at most 20 results",
    "score:>=0.5": "probability at least 0.5",
    'file:"a\nb\udcff"': "file is a b\ufffd",
}  # fmt: skip


@pytest.mark.parametrize("text", EXPLAINED, ids=ascii)
def test_explanations(text: str) -> None:
    (term,) = parse(text).terms
    assert describe(term) == EXPLAINED[text]


def test_the_document_is_what_the_code_says() -> None:
    command = [sys.executable, "-W", "error", "-m", "search.query.grammar"]
    printed = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=60, check=True)
    written = (ROOT / "docs" / "QUERY.md").read_text("utf-8")
    assert written == markdown() == printed.stdout.decode("utf-8").replace("\r\n", "\n")
    for field in FIELDS:
        assert f"| `{field}:` |" in written


def test_the_plain_text_is_for_terminals() -> None:
    plain = grammar_text()
    assert max(map(len, plain.splitlines())) <= 100
    assert all(example in plain for example in EXAMPLES)


@pytest.mark.parametrize("text", [*EXAMPLES, *(row[0] for row in OPERATORS + ESCAPES)])
def test_what_the_document_shows_can_be_asked(text: str) -> None:
    query = parse(text)
    assert query.terms
    assert parse(format_query(query)) == query


# Hostile texts: whatever the language gives a meaning, between words of many scripts.
SPECIAL = [*'"“»\\-+^:|().*,<>', " ", "^2", "..", "--", "+ ", "\\\\", "\\(", "camera:", "like:"]
PARTS = ["@0,0,1,1", "@.5,"]
WORDS = ["a", "Dog", "5", "²", "狗", "שלום", "👩‍👩‍👧", "é", "\u200c", "sort:date", "C:\\x\\"]
PIECES = st.sampled_from(SPECIAL + PARTS + WORDS)
HOSTILE = st.lists(PIECES, min_size=1, max_size=8).map("".join)
LINES = HOSTILE.map(lambda text: " ".join(text.split())).filter(bool)
NAMES = st.one_of(HOSTILE, HOSTILE.map(lambda text: f"{text}\udcff")).filter(str.strip)
WEIGHTS = st.one_of(st.just(1.0), st.floats(0.001, 100))


@st.composite
def numbers(draw: st.DrawFn, name: str) -> Numbers:
    field = FIELDS[name]
    if field.whole:
        ends = st.integers(int(field.low), int(field.high)).map(float)
    else:
        ends = st.floats(field.low, field.high).filter(lambda v: v == 0 or v > 1e-9)
    low, high = sorted((draw(ends), draw(ends)))
    included = draw(st.booleans())
    shapes = [
        Numbers(low, low),
        Numbers(low, None, low_included=included),
        Numbers(None, high, high_included=included),
        Numbers(low, high, low_included=included or low == high),
    ]
    return draw(st.sampled_from(shapes))


@st.composite
def dates(draw: st.DrawFn) -> Dates:
    def edge() -> date:
        day = draw(st.dates(date(1826, 2, 1), date(9999, 11, 1)))
        starts = [day.replace(day=1), day.replace(month=1, day=1)]
        ends = [start - timedelta(days=1) for start in starts if start.year > 1826]
        return draw(st.sampled_from([day, *starts, *ends]))

    first, last = sorted((edge(), edge()))
    shapes = [Dates(first, last), Dates(first, None), Dates(None, last), Dates(first, first)]
    return draw(st.sampled_from(shapes))


COORDINATES = st.one_of(st.just(0.0), st.floats(1e-9, 90), st.floats(-90, -1e-9))
AREAS = st.builds(Area, COORDINATES, COORDINATES, st.floats(1e-6, 2e7))


def values(name: str) -> st.SearchStrategy[Value]:
    field = FIELDS[name]
    by_kind: dict[Kind, st.SearchStrategy[Value]] = {
        Kind.TEXT: st.builds(Text, LINES),
        Kind.PATH: st.builds(Text, NAMES),
        Kind.CHOICE: st.builds(Text, st.sampled_from(field.choices or ("",))),
        Kind.DATE: dates(),
        Kind.AREA: AREAS,
    }
    return by_kind[field.kind] if field.kind in by_kind else numbers(name)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    def span() -> tuple[float, float]:
        first = draw(st.one_of(st.just(0.0), st.floats(1e-9, 0.98)))
        return first, draw(st.floats(0.02, 1 - first))

    (left, width), (top, height) = span(), span()
    return Box(left, top, width, height)


BOXES = boxes()
PICTURES = st.one_of(
    NAMES,
    st.integers(0, 10**20).map(str),
    st.just(TOKEN),
    st.tuples(st.sampled_from(["12", TOKEN, "a"]), NAMES).map("@".join),
    st.builds("{}@{}".format, st.sampled_from(["12", TOKEN]), st.sampled_from(["", "1,2", "1^2"])),
)
PLAIN = [f.name for f in FIELDS.values() if not f.setting and f.kind is not Kind.PICTURE]
FILTER = st.sampled_from(PLAIN).flatmap(
    lambda name: st.builds(
        Filter,
        st.just(name),
        st.lists(values(name), min_size=1, max_size=3).map(tuple),
        st.booleans(),
    )
)
TERM = st.one_of(
    st.builds(Phrase, LINES, WEIGHTS, st.booleans()),
    st.builds(Like, PICTURES, WEIGHTS, st.booleans(), st.none() | BOXES),
    FILTER,
)
SETTINGS = st.tuples(
    st.builds(Sort, st.sampled_from(Order)),
    st.builds(Limit, st.integers(1, 100_000)),
    st.builds(Score, numbers("score")),
).flatmap(lambda terms: st.lists(st.sampled_from(terms), unique=True))
QUERIES = st.tuples(st.lists(TERM, max_size=6), SETTINGS).flatmap(
    lambda terms: st.permutations([*terms[0], *terms[1]])
).map(lambda terms: Query(tuple(terms)))  # fmt: skip
SEEDED = settings(max_examples=400, derandomize=True, deadline=None, database=None)


@SEEDED
@given(QUERIES)
def test_what_is_written_is_read_back(query: Query) -> None:
    text = format_query(query)
    assume(len(text) <= 2000)
    assert parse(text) == query
    for term in query.terms:
        assert parse(format_term(term)).terms == (term,)
        assert len(describe(term).splitlines()) == 1


ANYTHING = st.text(st.characters(), max_size=40)  # halves of characters are among them


@SEEDED
@given(st.one_of(ANYTHING, st.lists(PIECES, max_size=20).map("".join)))
def test_any_text_is_a_query_or_a_mistake(text: str) -> None:
    try:
        query = parse(text)
    except QueryError as error:
        assert isinstance(error, QuerySyntaxError)
        check_mistake(text, error)
        return
    written = format_query(query)
    assert parse(written) == query
    assert format_query(parse(written)) == written
