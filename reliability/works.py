"""Kinds of work that change files: where each begins, and what must hold once it is cut off."""

from __future__ import annotations

from pathlib import Path

from pixfind.library import Library
from reliability import kill_migrations
from reliability.care_works import Backup, Keep, Mending, Repair, Replace, Restore
from reliability.checks import Findings, check_soundness, reading
from reliability.kill_files import FOREIGN
from reliability.pictures import KEYWORDS
from reliability.stage import State, Work
from search.tags import owner

CHANGED = 8
OLD_SCHEMA, OLD_ROWS = 2, 1_500


class Index(Work):
    """The first index of a folder."""

    arguments = ("index", "{stage.photos}")
    begins = "photos"


class Update(Work):
    """An index after photos were added, removed, rewritten and renamed."""

    arguments = ("index",)

    def prepare(self) -> None:
        """Bring the stage to where this begins."""
        self.stage.tree.change(CHANGED)


class Tag(Work):
    """Automatic tags."""

    arguments = ("tag",)


class Move(Work):
    """A folder that was renamed, of which the library is told."""

    arguments = ("move", "{stage.photos}", "{stage.moved}")

    def prepare(self) -> None:
        """Bring the stage to where this begins."""
        self.stage.photos.rename(self.stage.moved)

    def next_command(self) -> tuple[str, ...]:
        """Return the same, unless the move was through: then there is nothing to be told."""
        with reading(self.stage.library) as catalog:
            roots = [row[0] for row in catalog.execute("SELECT path FROM root")]
        return self.command() if str(self.stage.photos) in roots else ("status",)


class Migrate(Work):
    """The first command on a catalog of an early schema."""

    arguments = ("status",)
    begins = "photos"

    def prepare(self) -> None:
        """Bring the stage to where this begins."""
        kill_migrations.make_catalog(self.stage.library, OLD_SCHEMA, OLD_ROWS)
        self._old = kill_migrations.content(self.stage.library)

    def check(self, copy: Path, findings: Findings) -> None:
        """Look at what a run has left that was cut off."""
        check_soundness(copy, findings)
        now = kill_migrations.content(copy)
        for table in kill_migrations.TABLES:
            pairs = zip(self._old[table], now[table], strict=False)
            kept = [{name: row.get(name) for name in old} for old, row in pairs]
            findings.expect(kept == self._old[table], "rows were lost or changed", table)

    def outcome(self) -> State:
        """Return all that a run leaves that ends."""
        return {"catalog": dict(kill_migrations.content(self.stage.library))}

    def compare(self, findings: Findings) -> None:
        """Compare what is there now with what an uninterrupted run has left."""
        findings.expect(self.outcome() == self.wanted, "the catalog differs in the end")


class Sidecars(Work):
    """Sidecars beside the photos, some of which have one of another program."""

    arguments = ("sidecars", "write", "--all")

    def prepare(self) -> None:
        """Bring the stage to where this begins."""
        last = 4 * self.stage.files // 5
        with Library.open(self.stage.library) as library:
            for number, word in enumerate(KEYWORDS):
                owner.accept(library, word, [str(n) for n in range(1 + number, last, 4)])
        for number, file in enumerate(self.stage.tree.files()):
            if number % 4 == 0:
                file.with_name(f"{file.name}.xmp").write_text(FOREIGN.format(number), "utf-8")
        self._before = self._files()

    def check(self, copy: Path, findings: Findings) -> None:
        """Look at what a run has left that was cut off."""
        super().check(copy, findings)
        now, wanted = self._files(), self.wanted["written"]
        findings.expect(self._before.keys() <= now.keys(), "a file was lost")
        for name, content in now.items():
            whole = content in (self._before.get(name), wanted.get(name))
            findings.expect(whole, "half a file", name)

    def outcome(self) -> State:
        """Return all that a run leaves that ends."""
        return super().outcome() | {"written": self._files()}

    def _files(self) -> dict[str, bytes]:
        files = [*self.stage.photos.rglob("*.xmp"), *self.stage.out.glob("[!.]*")]
        return {str(file): file.read_bytes() for file in files if not file.name.startswith(".")}


class Export(Sidecars):
    """Copies of photos and a table."""

    arguments = (
        "export", "file:IMG*", "--copy-to", "{stage.out}", "--csv", "{stage.out}/table.csv",
        "--replace",
    )  # fmt: skip


WORKS: dict[str, type[Work]] = {
    work.__name__.lower(): work
    for work in (
        Index, Update, Tag, Move, Migrate, Backup, Keep, Restore, Replace, Repair, Mending,
        Sidecars, Export,
    )
}  # fmt: skip
