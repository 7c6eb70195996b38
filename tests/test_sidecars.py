"""Sidecars: words to XMP files beside photos and back, and whatever other programs put there."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image

import pixfind as api
from indexer import Summary
from pixfind.catalog import owner_tags, tagging, tags
from pixfind.catalog.places import asset_at
from pixfind.catalog.schema import Asset
from pixfind.catalog.schema import Description as StoredDescription
from pixfind.encoders.fake import FakeEncoder
from pixfind.encoders.store import ModelStore
from pixfind.errors import PathNotFoundError, SidecarError
from pixfind.library import Library
from pixfind.photos.sidecar import MAX_BYTES, SUBJECT, Words, content_of, merge, said
from pixfind.photos.xmp_document import MAX_TAGS, Name, XmpDocument
from search import SearchEngine
from search.export.exporting import Destinations, answers, export
from search.sidecars.placing import Style
from search.sidecars.reading import read_sidecars
from search.sidecars.writing import Options, Written, write_sidecars

Index = Callable[..., Summary]
Pixfind = Callable[..., Result]

DARKTABLE = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:darktable="http://darktable.sf.net/"
   exif:DateTimeOriginal="2019:07:13 10:11:12"
   xmp:Rating="3"
   darktable:xmp_version="4"
   darktable:auto_presets_applied="1">
   <dc:subject>
    <rdf:Seq>
     <rdf:li>Rex</rdf:li>
     <rdf:li>places</rdf:li>
     <rdf:li>Lisbon</rdf:li>
     <rdf:li>exported</rdf:li>
    </rdf:Seq>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Seq>
     <rdf:li>Rex</rdf:li>
     <rdf:li>places|Lisbon</rdf:li>
     <rdf:li>darktable|exported|jpeg</rdf:li>
    </rdf:Seq>
   </lr:hierarchicalSubject>
   <darktable:history>
    <rdf:Seq>
     <rdf:li
      darktable:num="0"
      darktable:operation="exposure"
      darktable:enabled="1"
      darktable:params="00000000000000000000c842"
      darktable:multi_name="first&#10;second"
      darktable:blendop_params="gz12eJxjYGBgkGAAgRNODESDBnsIHll8ANNSGQM="/>
    </rdf:Seq>
   </darktable:history>
   <!-- whoever wrote this -->
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""

DIGIKAM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/"
   digiKam:PickLabel="0"
   xmp:Rating="5"
   MicrosoftPhoto:Rating="99">
   <digiKam:TagsList>
    <rdf:Seq>
     <rdf:li>Animals/Dogs/Rex</rdf:li>
    </rdf:Seq>
   </digiKam:TagsList>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Rex</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <dc:description>
    <rdf:Alt>
     <rdf:li xml:lang="de-DE">Rex am Strand</rdf:li>
     <rdf:li xml:lang="x-default">Rex on the
       beach</rdf:li>
    </rdf:Alt>
   </dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""

LIGHTROOM = """<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0-c000">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
   xmp:Rating="-1"
   crs:Exposure2012="+0.35">
   <xmpMM:DerivedFrom rdf:parseType="Resource">
    <stRef:documentID>xmp.did:1</stRef:documentID>
   </xmpMM:DerivedFrom>
   <dc:description>
    <rdf:Alt>
     <rdf:li xml:lang="x-default">OLYMPUS DIGITAL CAMERA</rdf:li>
    </rdf:Alt>
   </dc:description>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Rex</rdf:li>
     <rdf:li>Dogs</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>Dogs|Rex</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>"""

LIGHTROOM_PATHS = Name("http://ns.adobe.com/lightroom/1.0/", "lr", "hierarchicalSubject")
BROKEN = {
    "empty": b"",
    "text": b"no XML at all",
    "cut": DARKTABLE.encode()[:900],
    "nul": b"\0" * 4096,
    "other": b"<html><body>dog</body></html>",
    "bomb": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
    "outside": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "undeclared": b"<x><dc:subject/></x>",
    "codec": b'<?xml version="1.0" encoding="klingon"?><x/>',
    "deep": b"<a>" * 20_000,
    "many": b"<x>" + b"<a/>" * 200_000 + b"</x>",
    "huge": b" " * (MAX_BYTES + 1),
}


# So that the paths here do not depend on what ships.
VOCABULARY = """tag\tkind\tparents
dachshund\t\tdog
dog\t\tanimal
animal
grass\t\tplant
plant
beach
pebble
"""


@pytest.fixture(autouse=True)
def own_vocabulary(library: Library) -> None:
    (library.folder / "vocabulary.tsv").write_text(VOCABULARY, "utf-8")


@pytest.fixture
def indexed(index: Index, photos: Path) -> Path:
    index(photos)
    return photos


@pytest.fixture
def red(library: Library, indexed: Path) -> int:
    return asset(library, indexed / "red.jpg")


@pytest.fixture
def fake_models(monkeypatch: pytest.MonkeyPatch, encoder: FakeEncoder) -> None:
    monkeypatch.setattr(ModelStore, "load", lambda *_: encoder)


def asset(library: Library, path: Path) -> int:
    with library.catalog.read() as session:
        found = asset_at(session, path)
    assert found is not None
    return found


def accept(library: Library, asset_id: int, *names: str) -> None:
    with library.catalog.write() as session:
        for name in names:
            owner_tags.accept(session, name, [asset_id])


def reject(library: Library, asset_id: int, *names: str) -> None:
    with library.catalog.write() as session:
        owner_tags.reject(session, names, [asset_id])


def recognise(library: Library, asset_id: int, **names: float) -> None:
    model = library.model()
    assert model is not None
    with library.catalog.write() as session:
        run = tagging.start_run(session, model.id, "test")
        tagging.set_automatic(session, run, "test", {asset_id: names})


def describe(library: Library, asset_id: int, **facts: Any) -> None:
    with library.catalog.write() as session:
        row = session.get_one(Asset, asset_id)
        for name, value in facts.items():
            setattr(row, name, value)


def facts(library: Library, asset_id: int) -> tuple[str | None, int | None, str | None]:
    with library.catalog.read() as session:
        row = session.get_one(Asset, asset_id)
        return row.caption, row.rating, row.described_by


def tags_from(library: Library, asset_id: int, source: str = "sidecar") -> set[str]:
    with library.catalog.read() as session:
        on = tags.tags_on(session, [asset_id]).get(asset_id, ())
    return {tag.name for tag in on if tag.source == source}


def write(library: Library, **options: Any) -> Written:
    done = write_sidecars(library, None, Options(**options))
    assert not done.failures
    return done


def opened(file: Path) -> XmpDocument:
    return XmpDocument.parse(file.read_bytes(), file)


def keywords(file: Path) -> set[str]:
    return set(said(opened(file)).keywords)


def items(file: Path, name: str) -> list[str]:
    """The items of a property, as somebody else's parser finds them."""
    from xml.etree import ElementTree

    prefixes = {
        "dc": "http://purl.org/dc/elements/1.1/",
        "lr": "http://ns.adobe.com/lightroom/1.0/",
        "digiKam": "http://www.digikam.org/ns/1.0/",
        "pixfind": "urn:pixfind:1.0/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    }
    path = f"rdf:RDF/rdf:Description/{name}"
    root = ElementTree.fromstring(file.read_bytes())
    found = root.findall(f"{path}/*/rdf:li", prefixes) or root.findall(path, prefixes)
    return [item.text or "" for item in found]


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# Written


def test_what_is_written(library: Library, indexed: Path, red: int) -> None:
    accept(library, red, "dachshund", "our cabin")
    recognise(library, red, grass=0.9)
    describe(library, red, caption='Rex & <"co">', rating=4)
    before = state_of(indexed)
    done = write(library)
    sidecar = indexed / "red.jpg.xmp"
    assert (done.photos, done.written, done.empty) == (3, 1, 2)
    assert [path.name for path in indexed.rglob("*.xmp")] == ["red.jpg.xmp"]
    assert items(sidecar, "dc:subject") == [
        "dachshund", "our cabin", "dog", "animal", "grass", "plant",
    ]  # fmt: skip
    assert items(sidecar, "lr:hierarchicalSubject") == [
        "animal|dog|dachshund", "plant|grass", "our cabin",
    ]  # fmt: skip
    assert items(sidecar, "digiKam:TagsList") == [
        "animal/dog/dachshund", "plant/grass", "our cabin",
    ]  # fmt: skip
    assert items(sidecar, "pixfind:automatic") == ["grass", "plant"]
    assert items(sidecar, "dc:description") == ['Rex & <"co">']
    assert items(sidecar, "xmp:Rating") == ["4"]
    sidecar.unlink()
    assert state_of(indexed) == before


def test_written_again_nothing_changes(library: Library, indexed: Path, red: int) -> None:
    accept(library, red, "dachshund")
    recognise(library, red, grass=0.9)
    describe(library, red, caption="Rex", rating=4)
    write(library)
    before = state_of(indexed)
    done = write(library)
    assert (done.written, done.updated, done.unchanged) == (0, 0, 1)
    assert read_sidecars(library).changed == 1  # they are the sidecar's words now, too
    assert read_sidecars(library).changed == 0
    assert write(library, replace=True).unchanged == 1
    assert state_of(indexed) == before


def test_a_keyword_of_the_file_means_what_its_owner_meant(
    library: Library, indexed: Path, red: int
) -> None:
    with library.catalog.write() as session:
        tags.set_tags(session, {red: ["dachshund"]}, "file")
    write(library)
    assert items(indexed / "red.jpg.xmp", "dc:subject") == ["dachshund"]
    assert items(indexed / "red.jpg.xmp", "lr:hierarchicalSubject") == ["dachshund"]


def test_what_xml_cannot_hold(library: Library, indexed: Path, red: int) -> None:
    accept(library, red, "a|b", "c/d", "été ☀", "]]><x>")
    describe(library, red, caption="half \ufffe")
    write(library)
    sidecar = indexed / "red.jpg.xmp"
    assert keywords(sidecar) == {"a|b", "c/d", "été ☀", "]]><x>"}
    assert items(sidecar, "lr:hierarchicalSubject") == ["]]><x>", "c/d", "été ☀"]
    assert items(sidecar, "digiKam:TagsList") == ["]]><x>", "a|b", "été ☀"]
    assert items(sidecar, "dc:description") == ["half \ufffd"]
    document = XmpDocument.new()
    merge(document, Words(keywords=("half \ud83d",), description="half \ud83d"))
    assert said(XmpDocument.parse(document.to_bytes(), Path("x"))).description == "half \ufffd"


def test_a_dry_run_writes_nothing(
    library: Library, indexed: Path, red: int, tmp_path: Path
) -> None:
    accept(library, red, "dog")
    assert write(library, dry_run=True).written == 1
    assert write(library, dry_run=True, to=tmp_path / "out").written == 1
    assert not [*tmp_path.rglob("*.xmp"), *tmp_path.glob("out")]


def test_what_another_program_has_written_stays(library: Library, indexed: Path, red: int) -> None:
    sidecar = indexed / "red.jpg.xmp"
    sidecar.write_text(DARKTABLE, "utf-8")
    sidecar.chmod(0o640)
    accept(library, red, "dog", "rex")
    recognise(library, red, grass=0.9, Lisbon=0.5)
    describe(library, red, caption="Rex", rating=4)
    assert write(library).updated == 1
    assert items(sidecar, "dc:subject") == [
        "Rex", "places", "Lisbon", "exported", "dog", "animal", "grass", "plant",
    ]  # fmt: skip
    assert items(sidecar, "lr:hierarchicalSubject") == [
        "Rex", "places|Lisbon", "darktable|exported|jpeg", "animal|dog", "plant|grass",
    ]  # fmt: skip
    assert items(sidecar, "pixfind:automatic") == ["grass", "plant"]  # Lisbon is somebody's word
    assert said(opened(sidecar)).rating == 3
    assert said(opened(sidecar)).description == "Rex"
    assert sidecar.stat().st_mode & 0o777 == 0o640
    text = sidecar.read_text("utf-8")
    for kept in (
        '<?xml version="1.0" encoding="UTF-8"?>', "<!-- whoever wrote this -->",
        'exif:DateTimeOriginal="2019:07:13 10:11:12"', 'darktable:multi_name="first&#10;second"',
        'darktable:blendop_params="gz12eJxjYGBgkGAAgRNODESDBnsIHll8ANNSGQM="',
    ):  # fmt: skip
        assert kept in text
    assert write(library, replace=True).updated == 1
    assert said(opened(sidecar)).rating == 4
    assert 'xmp:Rating="4"' in sidecar.read_text("utf-8")


def test_a_description_gives_way_only_if_asked(library: Library, indexed: Path, red: int) -> None:
    sidecar = indexed / "red.jpg.xmp"
    sidecar.write_text(DIGIKAM, "utf-8")
    describe(library, red, caption="ours")
    write(library)
    assert said(opened(sidecar)).description == "Rex on the beach"
    write(library, replace=True)
    assert items(sidecar, "dc:description") == ["Rex am Strand", "ours"]
    assert sidecar.read_text("utf-8").startswith('<?xpacket begin="\ufeff"')
    assert sidecar.read_text("utf-8").rstrip().endswith('<?xpacket end="w"?>')


def test_other_prefixes_and_forms(tmp_path: Path) -> None:
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    document = XmpDocument.parse(
        f"""<RDF xmlns="{rdf}" xmlns:r="{rdf}" xmlns:dc="urn:other" xmlns:p="urn:pixfind:1.0/">
        <Description r:about="" dc:subject="not Dublin Core's" xmlns:s="http://ns.adobe.com/xap/1.0/"
         xmlns:k="http://purl.org/dc/elements/1.1/" k:subject="flat"><s:Rating>0</s:Rating>
        <k:description>bare</k:description><p:automatic><Bag><li>machine</li></Bag></p:automatic>
        </Description><Description r:about=""><k:subject xmlns:k="http://purl.org/dc/elements/1.1/">
        <Bag><li><![CDATA[<b>]]></li><li> machine </li></Bag></k:subject></Description></RDF>"""
        .encode(),
        Path("x"),
    )  # fmt: skip
    assert said(document) == said(document)
    assert said(document).keywords == ("flat", "<b>")
    assert (said(document).description, said(document).rating) == ("bare", 0)
    words = Words(keywords=("new",), rating=2, description="whole", recognised=True)
    merge(document, words, replace=True)
    again = XmpDocument.parse(document.to_bytes(), Path("x"))
    assert said(again).keywords == ("flat", "<b>", "new")
    assert (said(again).description, said(again).rating) == ("whole", 2)
    assert b"not Dublin Core's" in document.to_bytes()
    before = again.to_bytes()
    merge(again, words, replace=True)
    assert again.to_bytes() == before


def test_deep_nesting_is_no_danger() -> None:
    head, tail = DARKTABLE.encode().split(b"<!-- whoever wrote this -->")
    deep = head + b"<a>" * 20_000 + b"</a>" * 20_000 + tail
    document = XmpDocument.parse(deep, Path("x"))
    merge(document, Words(keywords=("new",)))
    assert "new" in said(XmpDocument.parse(document.to_bytes(), Path("x"))).keywords


# Automatic words


def test_automatic_words_do_not_become_the_owners(
    library: Library, indexed: Path, red: int, settings: Any, encoder: FakeEncoder, index: Index
) -> None:
    accept(library, red, "dog")
    recognise(library, red, grass=0.9)
    write(library)
    read_sidecars(library)
    assert tags_from(library, red) == {"dog", "animal"}
    assert tags_from(library, red, "automatic") == {"grass"}
    accept(library, red, "grass")
    write(library)
    assert keywords(indexed / "red.jpg.xmp") == {"dog", "animal", "grass", "plant"}
    assert items(indexed / "red.jpg.xmp", "pixfind:automatic") == []


def test_an_automatic_word_that_does_not_hold_goes(
    library: Library, indexed: Path, red: int
) -> None:
    sidecar = indexed / "red.jpg.xmp"
    sidecar.write_text(DARKTABLE, "utf-8")
    recognise(library, red, grass=0.9, dachshund=0.8)
    write(library)
    reject(library, red, "dachshund")
    write(library)
    assert "dachshund" not in items(sidecar, "dc:subject")
    assert "animal|dog|dachshund" not in items(sidecar, "lr:hierarchicalSubject")
    recognise(library, red, beach=0.7)
    write(library)
    assert "grass" not in sidecar.read_text("utf-8")
    assert "beach" in items(sidecar, "pixfind:automatic")
    write(library, automatic=False)
    assert items(sidecar, "dc:subject") == ["Rex", "places", "Lisbon", "exported"]
    assert "pixfind:automatic" not in sidecar.read_text("utf-8").replace("xmlns:", "")


def test_a_library_that_recognised_nothing_takes_nothing_out(
    library: Library, indexed: Path, red: int
) -> None:
    merged = XmpDocument.new()
    merge(merged, Words(keywords=("Rex",), automatic=("grass", "beach")))
    sidecar = indexed / "red.jpg.xmp"
    sidecar.write_bytes(merged.to_bytes())
    accept(library, red, "our cabin")
    write(library)
    assert items(sidecar, "dc:subject") == ["Rex", "grass", "beach", "our cabin"]
    assert items(sidecar, "pixfind:automatic") == ["grass", "beach"]
    reject(library, red, "beach")
    write(library)
    assert items(sidecar, "dc:subject") == ["Rex", "grass", "our cabin"]
    assert items(sidecar, "pixfind:automatic") == ["grass"]


def test_what_somebody_took_out_elsewhere_is_not_put_back(
    library: Library, indexed: Path, red: int
) -> None:
    recognise(library, red, pebble=0.9, beach=0.8)
    write(library)
    sidecar = indexed / "red.jpg.xmp"
    lines = sidecar.read_text("utf-8").splitlines(keepends=True)
    inside = False
    kept = []
    for line in lines:
        inside = (inside or "<pixfind:automatic>" in line) and "</pixfind:automatic>" not in line
        if inside or "pebble" not in line:
            kept.append(line)
    sidecar.write_text("".join(kept), "utf-8")
    assert write(library).unchanged == 1
    assert "pebble" not in items(sidecar, "dc:subject")
    accept(library, red, "pebble")  # unless the owner says so
    write(library)
    assert "pebble" in keywords(sidecar)


def test_a_models_description_stays_one(library: Library, indexed: Path, red: int) -> None:
    model = library.model()
    assert model is not None
    with library.catalog.write() as session:
        session.add(
            StoredDescription(
                asset_id=red, model_id=model.id, alt="A dog", sentence="A dog on grass.",
                account="{}", written_at="2020-01-01T00:00:00+00:00",
            )
        )  # fmt: skip
    assert write(library).written == 0
    write(library, descriptions=True)
    sidecar = indexed / "red.jpg.xmp"
    assert items(sidecar, "dc:description") == ["A dog on grass."]
    read_sidecars(library)
    assert facts(library, red) == (None, None, None)
    write(library, automatic=False)  # only what people said
    assert (items(sidecar, "dc:description"), said(opened(sidecar)).description) == ([], None)
    assert "automaticDescription" not in sidecar.read_text("utf-8")
    write(library, descriptions=True)
    describe(library, red, caption="Rex")
    write(library)
    assert (items(sidecar, "dc:description"), said(opened(sidecar)).description) == (["Rex"], "Rex")
    describe(library, red, caption=None)
    write(library, descriptions=True, replace=True)
    assert items(sidecar, "dc:description") == ["Rex"]  # a person's, which none of a model's beats


# Read


@pytest.mark.parametrize(
    ("text", "name", "words", "caption", "rating"),
    [
        (DARKTABLE, "red.jpg.xmp", {"Rex", "places", "Lisbon"}, None, 3),
        (DIGIKAM, "red.jpg.xmp", {"Rex", "Animals", "Dogs"}, "Rex on the beach", 5),
        (LIGHTROOM, "red.xmp", {"Rex", "Dogs"}, None, -1),
        (LIGHTROOM, "red.XMP", {"Rex", "Dogs"}, None, -1),
        (DARKTABLE.replace("UTF-8", "UTF-16"), "red.jpg.xmp", {"Rex", "places", "Lisbon"}, None, 3),
    ],
)
def test_what_others_wrote(
    library: Library, indexed: Path, red: int, text: str, name: str, words: set[str],
    caption: str | None, rating: int,
) -> None:  # fmt: skip
    (indexed / name).write_text(text, "utf-16" if "UTF-16" in text else "utf-8")
    done = read_sidecars(library)
    assert (done.photos, done.sidecars, done.changed, done.tags) == (1, 1, 1, len(words))
    assert not done.failures
    assert tags_from(library, red) == words
    assert facts(library, red) == (caption, rating, "sidecar")
    assert read_sidecars(library).changed == 0
    write(library)  # and what it says is not written to it as news
    assert tags_from(library, red) == words


def test_found_by_a_search(library: Library, indexed: Path, engine: SearchEngine) -> None:
    (indexed / "red.jpg.xmp").write_text(DIGIKAM, "utf-8")
    read_sidecars(library)
    for query in ("tag:rex", "rating:5", "tag:animals rating:>=4"):
        assert [r.photo.path.name for r in engine.search(query).results] == ["red.jpg"]


def test_what_goes_from_a_sidecar_goes(library: Library, index: Index, photos: Path) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x4746] = "of the file", 2
    Image.new("RGB", (8, 8)).save(photos / "own.jpg", exif=exif)
    index(photos)
    own = asset(library, photos / "own.jpg")
    accept(library, own, "Rex")
    sidecar = photos / "own.jpg.xmp"
    sidecar.write_text(DIGIKAM, "utf-8")
    read_sidecars(library)
    assert facts(library, own) == ("Rex on the beach", 5, "sidecar")
    sidecar.write_text(DARKTABLE, "utf-8")
    read_sidecars(library)
    assert facts(library, own) == ("of the file", 3, "sidecar")
    assert tags_from(library, own) == {"Rex", "places", "Lisbon"}
    sidecar.write_text(DARKTABLE.replace('xmp:Rating="3"', 'xmp:Rating="0"'), "utf-8")
    read_sidecars(library)
    assert facts(library, own) == ("of the file", None, "sidecar")  # nobody's stars
    sidecar.write_bytes(XmpDocument.new().to_bytes())
    read_sidecars(library)
    assert facts(library, own) == ("of the file", 2, None)
    assert tags_from(library, own) == set()
    assert tags_from(library, own, "user") == {"Rex"}
    index(photos)
    assert facts(library, own) == ("of the file", 2, None)


def test_what_is_taken_out_by_a_program_that_knows_one_kind_of_path(
    library: Library, indexed: Path, red: int
) -> None:
    sidecar = indexed / "red.jpg.xmp"
    accept(library, red, "Rex", "dog")
    recognise(library, red, grass=0.9)
    write(library)
    for word, path in (("dog", "animal|dog"), ("animal", None), ("grass", "plant|grass")):
        document = opened(sidecar)  # as darktable does: digiKam's property stays as it was
        document.change_items(SUBJECT, "Bag", [], [word])
        if path:
            document.change_items(LIGHTROOM_PATHS, "Bag", [], [path])
        sidecar.write_bytes(document.to_bytes())
    read_sidecars(library)
    assert tags_from(library, red) == {"Rex"}
    with library.catalog.write() as session:
        for name in ("dog", "animal"):
            owner_tags.withdraw(session, name, [red])
    write(library)
    assert items(sidecar, "dc:subject") == ["Rex", "plant"]
    assert items(sidecar, "digiKam:TagsList") == ["Rex", "plant"]
    document = opened(sidecar)
    document.remove(SUBJECT)
    document.remove(LIGHTROOM_PATHS)
    sidecar.write_bytes(document.to_bytes())
    read_sidecars(library)  # the last one is taken out, too
    assert tags_from(library, red) == set()


def test_paths_alone(library: Library, indexed: Path, red: int) -> None:
    start, end = DIGIKAM.index("<dc:subject>"), DIGIKAM.index("</dc:subject>")
    text = DIGIKAM[:start] + DIGIKAM[end + len("</dc:subject>") :]
    (indexed / "red.jpg.xmp").write_text(text, "utf-8")
    read_sidecars(library)
    assert tags_from(library, red) == {"Animals", "Dogs", "Rex"}


def test_a_sidecar_that_is_gone_takes_nothing_with_it(
    library: Library, indexed: Path, red: int
) -> None:
    (indexed / "red.jpg.xmp").write_text(DIGIKAM, "utf-8")
    read_sidecars(library)
    (indexed / "red.jpg.xmp").unlink()
    assert read_sidecars(library).photos == 0
    assert "Rex" in tags_from(library, red)


def test_what_is_rejected_stays_rejected(library: Library, indexed: Path, red: int) -> None:
    sidecar = indexed / "red.jpg.xmp"
    sidecar.write_text(DARKTABLE, "utf-8")
    reject(library, red, "rex", "Lisbon")
    read_sidecars(library)
    assert tags_from(library, red) == {"places"}
    assert read_sidecars(library).changed == 0
    write(library)
    assert "Rex" in items(sidecar, "dc:subject")
    write(library, replace=True)
    assert items(sidecar, "dc:subject") == ["places", "exported"]
    assert items(sidecar, "lr:hierarchicalSubject") == ["darktable|exported|jpeg", "places"]


def test_copies_and_both_names_count_together(library: Library, index: Index, photos: Path) -> None:
    (photos / "inner" / "again.jpg").write_bytes((photos / "red.jpg").read_bytes())
    index(photos)
    red = asset(library, photos / "red.jpg")
    (photos / "red.jpg.xmp").write_text(DARKTABLE, "utf-8")
    (photos / "inner" / "again.xmp").write_text(DIGIKAM, "utf-8")
    os.utime(photos / "red.jpg.xmp", (1, 1))
    assert read_sidecars(library, [photos / "inner"]).sidecars == 2
    assert tags_from(library, red) == {"Rex", "places", "Lisbon", "Animals", "Dogs"}
    assert facts(library, red)[:2] == ("Rex on the beach", 5)  # the latest
    os.utime(photos / "inner" / "again.xmp", (0, 0))
    read_sidecars(library)
    assert facts(library, red)[:2] == ("Rex on the beach", 3)
    assert write(library).photos == 3
    assert (photos / "inner" / "again.jpg.xmp").exists()


def test_only_what_is_asked_for(library: Library, indexed: Path, red: int) -> None:
    blue = asset(library, indexed / "inner" / "blue.webp")
    (indexed / "red.jpg.xmp").write_text(DARKTABLE, "utf-8")
    (indexed / "inner" / "blue.webp.xmp").write_text(DARKTABLE, "utf-8")
    assert read_sidecars(library, [indexed / "inner"]).photos == 1
    assert (tags_from(library, red), len(tags_from(library, blue))) == (set(), 3)
    for path in (indexed / "red.jpg", indexed / "red.jpg.xmp"):
        assert read_sidecars(library, [path]).photos == 1
    assert len(tags_from(library, red)) == 3
    with pytest.raises(PathNotFoundError):
        read_sidecars(library, [indexed / "none"])
    (indexed / "empty").mkdir()
    with pytest.raises(SidecarError, match="pixfind index"):
        read_sidecars(library, [indexed / "empty"])


# Broken ones


@pytest.mark.parametrize("kind", BROKEN)
def test_no_sidecar_at_all(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "x.xmp"
    file.write_bytes(BROKEN[kind])
    with pytest.raises(SidecarError) as caught:
        XmpDocument.parse(content_of(file) or b"", file)
    assert str(caught.value).startswith(str(file))
    assert len(str(caught.value).splitlines()) == 1
    assert "Forbidden" not in str(caught.value)  # a library's word


@pytest.mark.parametrize("kind", ["cut", "bomb", "huge"])
def test_a_broken_sidecar_is_one_line_and_stays(
    pixfind: Pixfind, library: Library, indexed: Path, red: int, kind: str
) -> None:
    green = asset(library, indexed / "green.png")
    (indexed / "red.jpg.xmp").write_text(DARKTABLE, "utf-8")
    read_sidecars(library)
    known = tags_from(library, red)
    accept(library, red, "dog")
    (indexed / "red.jpg.xmp").write_bytes(BROKEN[kind])
    (indexed / "green.png.xmp").write_text(DIGIKAM, "utf-8")
    for command in (("read",), ("write", "--all", "--replace")):
        result = pixfind("sidecars", *command)
        assert result.exit_code == 1, result.output
        (line,) = result.stderr.splitlines()
        assert str(indexed / "red.jpg.xmp") in line
        assert "1 failed" in result.stdout
    assert (indexed / "red.jpg.xmp").read_bytes() == BROKEN[kind]
    assert tags_from(library, red) == known
    assert "Rex" in tags_from(library, green)
    assert len(json.loads(pixfind("sidecars", "read", "--json").stdout)["failures"]) == 1


def test_a_sidecar_of_attributes_alone_is_bounded(tmp_path: Path) -> None:
    attributes = " ".join(f'a{number}=""' for number in range(MAX_TAGS + 1))
    with pytest.raises(SidecarError, match="attributes"):
        XmpDocument.parse(f"<x {attributes}/>".encode(), tmp_path / "x.xmp")


def test_what_is_no_file(library: Library, indexed: Path, red: int) -> None:
    accept(library, red, "dog")
    (indexed / "red.jpg.xmp").mkdir()
    os.mkfifo(indexed / "green.png.xmp")
    accept(library, asset(library, indexed / "green.png"), "dog")
    done = write_sidecars(library, None, Options())
    assert {trouble.reason for trouble in done.failures} == {"is not a regular file"}
    assert len(read_sidecars(library).failures) == 2


def test_links_are_not_written_over(
    library: Library, indexed: Path, red: int, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.xmp"
    elsewhere.write_text(DARKTABLE, "utf-8")
    accept(library, red, "dog")
    link = indexed / "red.jpg.xmp"
    for target in (elsewhere, tmp_path / "nowhere.xmp"):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        (trouble,) = write_sidecars(library, None, Options(replace=True)).failures
        assert "symbolic link" in trouble.reason
        assert link.readlink() == target
    assert elsewhere.read_text("utf-8") == DARKTABLE
    assert not (tmp_path / "nowhere.xmp").exists()


def test_a_folder_that_takes_nothing(
    library: Library, indexed: Path, red: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: Path, content: bytes) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    accept(library, red, "dog")
    monkeypatch.setattr(Path, "write_bytes", refuse)
    (trouble,) = write_sidecars(library, None, Options()).failures
    assert trouble.reason.endswith("(Permission denied); name a folder elsewhere with --to")
    (trouble,) = write_sidecars(library, None, Options(to=tmp_path / "x")).failures
    assert "--to" not in trouble.reason
    assert not list(indexed.glob("*.xmp"))


def test_another_program_may_write_meanwhile(
    library: Library, indexed: Path, red: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidecar = indexed / "red.jpg.xmp"
    accept(library, red, "dog")

    def meanwhile(document: XmpDocument, words: Words, *, replace: bool) -> None:
        sidecar.write_text(DARKTABLE, "utf-8")
        merge(document, words, replace=replace)

    monkeypatch.setattr("search.sidecars.writing.merge", meanwhile)
    (trouble,) = write_sidecars(library, None, Options()).failures
    assert "meanwhile" in trouble.reason
    assert sidecar.read_text("utf-8") == DARKTABLE
    assert [path.name for path in indexed.glob(".*")] == []


def test_stopped_half_way(library: Library, indexed: Path) -> None:
    for name in ("red.jpg", "green.png"):
        accept(library, asset(library, indexed / name), "dog")

    def stop(done: int, total: int) -> None:
        assert (done, total) == (1, 3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sidecars(library, None, Options(), stop)
    for sidecar in indexed.rglob("*.xmp"):
        assert keywords(sidecar) == {"dog", "animal"}
    write(library)
    assert len([*indexed.rglob("*.xmp")]) == 2


def test_a_photo_that_is_gone(library: Library, indexed: Path, red: int, tmp_path: Path) -> None:
    accept(library, red, "dog")
    (indexed / "red.jpg").unlink()
    (trouble,) = write_sidecars(library, None, Options()).failures
    assert "not there any more" in trouble.reason
    assert write(library, to=tmp_path / "out").written == 1


# Names and places


def test_lightrooms_names(library: Library, index: Index, photos: Path) -> None:
    names = ("twin.jpg", "twin.png", "raw.jpg", "long.jpg.png", "long.jpg")
    for number, name in enumerate(names):
        Image.new("RGB", (8, 8), (20 * number, 0, 0)).save(photos / name)
    (photos / "raw.CR2").write_bytes(b"raw")
    index(photos)
    with library.catalog.read() as session:
        ids = [asset_at(session, path) for path in photos.iterdir() if path.is_file()]
    for asset_id in filter(None, ids):
        accept(library, asset_id, "dog")
    done = write(library, style=Style.LIGHTROOM)
    assert {trouble.path.name for trouble in done.skipped} == {
        "twin.jpg", "twin.png", "raw.jpg", "long.jpg.png",
    }  # fmt: skip
    assert sorted(path.name for path in photos.rglob("*.xmp")) == [
        "green.xmp", "long.xmp", "red.xmp",
    ]  # fmt: skip
    (photos / "twin.xmp").write_text(LIGHTROOM, "utf-8")
    (photos / "raw.xmp").write_text(LIGHTROOM, "utf-8")
    done_reading = read_sidecars(library)
    assert [trouble.path.name for trouble in done_reading.skipped] == ["twin.xmp"]
    assert tags_from(library, asset(library, photos / "twin.jpg")) == set()
    # The raw file is of the same shot, and not indexed.
    assert tags_from(library, asset(library, photos / "raw.jpg")) == {"Rex", "Dogs"}


def test_a_mirror(library: Library, indexed: Path, index: Index, tmp_path: Path) -> None:
    other = tmp_path / "more" / "photos"
    other.mkdir(parents=True)
    Image.new("RGB", (8, 8), "yellow").save(other / "red.jpg")
    index(other)
    for path in (indexed / "red.jpg", indexed / "inner" / "blue.webp", other / "red.jpg"):
        accept(library, asset(library, path), path.name)
    out = tmp_path / "out"
    before = state_of(indexed)
    assert write(library, to=out).written == 3
    assert state_of(indexed) == before
    written = {str(path.relative_to(out)) for path in out.rglob("*.xmp")}
    assert written == {
        "photos/red.jpg.xmp", "photos/inner/blue.webp.xmp", "photos (2)/red.jpg.xmp",
    }  # fmt: skip
    assert read_sidecars(library).photos == 0
    assert read_sidecars(library, mirror=out).photos == 3
    assert read_sidecars(library, [out / "photos (2)"], mirror=out).photos == 1
    with pytest.raises(SidecarError, match="is a file"):
        write_sidecars(library, None, Options(to=indexed / "red.jpg"))


def test_nothing_leads_out_of_a_mirror(
    library: Library, indexed: Path, red: int, tmp_path: Path
) -> None:
    blue = asset(library, indexed / "inner" / "blue.webp")
    accept(library, red, "dog")
    accept(library, blue, "dog")
    out, outside = tmp_path / "out", tmp_path / "outside"
    (out / "photos").mkdir(parents=True)
    outside.mkdir()
    (out / "photos" / "inner").symlink_to(outside)
    done = write_sidecars(library, None, Options(to=out))
    assert (done.written, len(done.failures)) == (1, 1)
    assert [*outside.iterdir()] == []


# On the command line


def test_on_the_command_line(
    pixfind: Pixfind, library: Library, indexed: Path, red: int, fake_models: None
) -> None:
    accept(library, red, "dog")
    result = pixfind("sidecars", "write", "tag:dog")
    assert (result.exit_code, result.stdout) == (0, "1 photo, 1 sidecar written, 0 updated\n")
    pixfind("albums", "save", "dogs", "tag:dog")
    shown = json.loads(pixfind("sidecars", "write", "--album", "dogs", "--json").stdout)
    assert (shown["photos"], shown["unchanged"], shown["dry_run"]) == (1, 1, False)
    result = pixfind("sidecars", "write", "--all", "--dry-run", "--no-automatic")
    assert result.stdout.startswith("only tried: 3 photos, 0 sidecars written")
    result = pixfind("sidecars", "read", indexed)
    assert result.stdout == "1 sidecar of 1 photo read, 2 tags in them, 1 photo changed\n"
    assert pixfind("search", "tag:animal").stdout.endswith("red.jpg\n")


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("dog", "--all"), ("--all", "--album", "x"), ("--all", "--style", "other"),
        ("--all", "--no-automatic", "--descriptions"),
    ],
)  # fmt: skip
def test_wrong_usage(pixfind: Pixfind, indexed: Path, arguments: tuple[str, ...]) -> None:
    assert pixfind("sidecars", "write", *arguments).exit_code == 2


def test_from_python(
    settings: Any, library: Library, indexed: Path, red: int, fake_models: None
) -> None:
    accept(library, red, "dog")
    with api.open(settings.library) as photos:
        assert photos.write_sidecars("tag:dog").written == 1
        assert photos.write_sidecars().unchanged == 1
        assert photos.read_sidecars(indexed).tags == 2


# Tables


def test_tables_tell_who_said_what(
    library: Library, engine: SearchEngine, indexed: Path, red: int, tmp_path: Path
) -> None:
    accept(library, red, "Rex")
    recognise(library, red, grass=0.91234567, dog=0.5)
    (indexed / "red.jpg.xmp").write_text(DARKTABLE, "utf-8")
    read_sidecars(library)
    model = library.model()
    assert model is not None
    with library.catalog.write() as session:
        session.add(
            StoredDescription(
                asset_id=red, model_id=model.id, alt="A dog", sentence="=A dog", account="{}",
                written_at="2020-01-01T00:00:00+00:00",
            )
        )  # fmt: skip
    to = Destinations(csv=tmp_path / "all.csv", jsonl=tmp_path / "all.jsonl")
    export(answers(engine, "file:* sort:name"), to)
    content = (tmp_path / "all.csv").read_bytes().decode("utf-8")
    rows = {Path(row["path"]).name: row for row in csv.DictReader(io.StringIO(content, newline=""))}
    row = rows["red.jpg"]
    assert row["tags"] == "dog;grass;Lisbon;places;Rex"
    assert row["tag_sources"] == "automatic;automatic;sidecar;sidecar;sidecar+user"
    assert row["tag_probabilities"] == "0.5;0.912346;;;"
    assert (row["alt"], row["description"], row["rating"]) == ("A dog", "'=A dog", "3")
    assert [rows["green.png"][name] for name in ("tags", "tag_sources", "alt")] == ["", "", ""]
    lines = (tmp_path / "all.jsonl").read_text("utf-8").splitlines()
    (found,) = (one for one in map(json.loads, lines) if one["path"].endswith("red.jpg"))
    assert found["tag_origins"][1] == {
        "tag": "grass", "sources": ["automatic"], "probability": 0.912346,
    }  # fmt: skip
    assert found["tag_origins"][4]["sources"] == ["sidecar", "user"]
    assert (found["alt"], found["description"]) == ("A dog", "=A dog")


# With other people's programs, where they are


def run(*command: object) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run([str(one) for one in command], capture_output=True, check=True, text=True)
    return done.stdout


def test_exiftool(library: Library, indexed: Path, red: int) -> None:
    accept(library, red, "dachshund")
    recognise(library, red, grass=0.9)
    describe(library, red, caption="Rex & co", rating=4)
    write(library)
    sidecar = indexed / "red.jpg.xmp"
    (read,) = json.loads(run("exiftool", "-j", "-struct", "-G1", sidecar))
    assert read["XMP-dc:Subject"] == ["dachshund", "dog", "animal", "grass", "plant"]
    assert read["XMP-lr:HierarchicalSubject"] == ["animal|dog|dachshund", "plant|grass"]
    assert read["XMP-digiKam:TagsList"] == ["animal/dog/dachshund", "plant/grass"]
    assert (read["XMP-dc:Description"], read["XMP-xmp:Rating"]) == ("Rex & co", 4)
    run(
        "exiftool", "-overwrite_original", "-Rating=2", "-Subject+=Rex", "-Subject-=animal", sidecar
    )
    read_sidecars(library)
    assert facts(library, red)[1] == 2
    assert tags_from(library, red) == {"dachshund", "dog", "animal", "Rex"}  # it stands in a path
    assert tags_from(library, red, "automatic") == {"grass"}
    run("exiftool", "-o", indexed / "green.xmp", "-HierarchicalSubject=a|b", "-Rating=-1")
    read_sidecars(library)
    green = asset(library, indexed / "green.png")
    assert (tags_from(library, green), facts(library, green)[1]) == ({"a", "b"}, -1)


def test_exiv2(library: Library, indexed: Path, red: int) -> None:
    """What digiKam and darktable read and write XMP with."""
    accept(library, red, "dachshund")
    recognise(library, red, grass=0.9)
    describe(library, red, caption="Rex & co", rating=4)
    write(library)
    sidecar = indexed / "red.jpg.xmp"
    shown = dict(line.split(maxsplit=1) for line in run("exiv2", "-PXkt", sidecar).splitlines())
    assert shown["Xmp.dc.subject"] == "dachshund, dog, animal, grass, plant"
    assert shown["Xmp.digiKam.TagsList"] == "animal/dog/dachshund, plant/grass"
    assert shown["Xmp.dc.description"] == 'lang="x-default" Rex & co'
    run("exiv2", "-M", "set Xmp.xmp.Rating 1", sidecar)
    run("exiv2", "-M", "set Xmp.dc.subject Rex", sidecar)
    read_sidecars(library)
    assert facts(library, red)[:2] == ("Rex & co", 1)
    assert tags_from(library, red) == {"dachshund", "dog", "animal", "Rex"}  # set adds
    assert items(sidecar, "pixfind:automatic") == ["grass", "plant"]
