"""The full text of pictures: the SQL of the words under which they are found.

Migrations made each form of it (``migrations.py``), so what a released one uses is never edited.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

# The words under which a picture is found: one row of ``document`` an asset that lies in some file.
# Triggers keep it, so that no way of writing can forget to.
_FORGET = "DELETE FROM document WHERE rowid = {asset};"
PUT = """
    INSERT INTO document (rowid, name, folder, tags, caption)
      SELECT asset.id, group_concat(file.name, ' '),
        group_concat(
          -- The last part of the root's path, and the folders below it.
          replace({path}, rtrim({path}, replace({path}, '/', '')), '') || ' ' || file.folder, ' '
        ),
        (SELECT group_concat(tag.name, ' ') FROM asset_tag JOIN tag ON tag.id = asset_tag.tag_id
          WHERE asset_tag.asset_id = asset.id),
        asset.caption
      FROM asset JOIN file ON file.asset_id = asset.id JOIN root ON root.id = file.root_id
      WHERE {{which}} GROUP BY asset.id;
""".format(path=r"rtrim(replace(root.path, '\', '/'), '/')")  # noqa: S608 - nobody's words are in it
_TRIGGERS = (
    ("file_placed", "AFTER INSERT ON file", ("NEW.asset_id",)),
    (
        "file_changed",
        "AFTER UPDATE OF root_id, folder, name, asset_id ON file",
        ("OLD.asset_id", "NEW.asset_id"),
    ),
    ("file_gone", "AFTER DELETE ON file", ("OLD.asset_id",)),
    ("asset_described", "AFTER UPDATE OF caption ON asset", ("NEW.id",)),
    ("asset_tagged", "AFTER INSERT ON asset_tag", ("NEW.asset_id",)),
    ("asset_untagged", "AFTER DELETE ON asset_tag", ("OLD.asset_id",)),
)
_MOVED = (
    "CREATE TRIGGER words_of_root_moved AFTER UPDATE OF path ON root BEGIN "
    "DELETE FROM document WHERE rowid IN "
    "(SELECT asset_id FROM file WHERE root_id = NEW.id AND asset_id IS NOT NULL);"
    "{words} END"
)


def triggers(put: str, conditions: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return what makes the triggers that keep ``document``.

    Args:
        put: what puts the words of some assets there, with ``{which}``.
        conditions: by a trigger's name, when alone words can have changed.
    """
    moved = put.format(which="asset.id IN (SELECT asset_id FROM file WHERE root_id = NEW.id)")
    return (
        *(
            f"CREATE TRIGGER words_of_{name} {event} {(conditions or {}).get(name, '')} BEGIN "
            + "".join(
                _FORGET.format(asset=asset) + put.format(which=f"asset.id = {asset}")
                for asset in assets
            )
            + " END"
            for name, event, assets in _TRIGGERS
        ),
        _MOVED.format(words=moved),
    )


NO_TRIGGERS = (
    *(f"DROP TRIGGER words_of_{name}" for name, _, _ in _TRIGGERS),
    "DROP TRIGGER words_of_root_moved",
)
# Automatic tags stay out of the full text: they say what the embedding says, less exactly, and a
# word that is found there needs no probability. Rows of theirs are many, so they wake no trigger.
PUT_SPOKEN = PUT.replace(
    "WHERE asset_tag.asset_id = asset.id)",
    "WHERE asset_tag.asset_id = asset.id AND asset_tag.source <> 'automatic')",
)
SPOKEN = {
    "asset_tagged": "WHEN NEW.source <> 'automatic'",
    "asset_untagged": "WHEN OLD.source <> 'automatic'",
}
# Each new copy of a picture has its words written anew. Of the files that a picture lies in, only
# the first give it words, so that many copies do not take the square of their number.
NAMED_FILES = 100
PUT_FEW = PUT_SPOKEN.replace(
    "JOIN file ON file.asset_id = asset.id",
    "JOIN file ON file.id IN (SELECT one.id FROM file AS one WHERE one.asset_id = asset.id"  # noqa: S608 - nor here
    f" ORDER BY one.id LIMIT {NAMED_FILES})",
)
# How many files of the same picture come before one, as far as that matters.
_IS_NAMED = (
    "(SELECT count(*) FROM (SELECT 1 FROM file WHERE asset_id = {row}.asset_id"  # noqa: S608 - nor here
    f" AND id < {{row}}.id LIMIT {NAMED_FILES})) < {NAMED_FILES}"
)
FEW = {
    "file_placed": f"WHEN {_IS_NAMED.format(row='NEW')}",
    "file_changed": f"WHEN {_IS_NAMED.format(row='OLD')} OR {_IS_NAMED.format(row='NEW')}",
    "file_gone": f"WHEN {_IS_NAMED.format(row='OLD')}",
    **SPOKEN,
}


def write(connection: Connection) -> None:
    """Write the full-text index anew, as the triggers would have; the caller holds the transaction.

    Nothing that it holds is read: it may be damaged.
    """
    created = connection.execute(
        text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'document'")
    ).scalar_one()
    connection.exec_driver_sql("DROP TABLE document")
    connection.exec_driver_sql(created)
    connection.exec_driver_sql(PUT_FEW.format(which="TRUE"))
