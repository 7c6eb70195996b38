CREATE TABLE migration (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) WITHOUT ROWID
;
CREATE TABLE setting (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) WITHOUT ROWID
    ;
CREATE TABLE root (
      id INTEGER PRIMARY KEY,
      path TEXT NOT NULL UNIQUE,
      whole INTEGER NOT NULL
    );
CREATE TABLE asset (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      content_id BLOB NOT NULL UNIQUE,
      byte_size INTEGER NOT NULL,
      format TEXT NOT NULL,
      width INTEGER NOT NULL,
      height INTEGER NOT NULL,
      taken_at TEXT,
      camera_make TEXT,
      camera_model TEXT,
      lens TEXT,
      iso INTEGER,
      focal_length REAL,
      aperture REAL,
      exposure_time REAL,
      latitude REAL,
      longitude REAL,
      altitude REAL
    , rating INTEGER, caption TEXT, seen_at TEXT, metadata_version INTEGER NOT NULL DEFAULT 0, duration REAL, described_by TEXT, blur BLOB);
CREATE TABLE file (
      id INTEGER PRIMARY KEY,
      root_id INTEGER NOT NULL REFERENCES root (id),
      folder TEXT NOT NULL,
      name TEXT NOT NULL,
      size INTEGER NOT NULL,
      mtime_ns INTEGER NOT NULL,
      asset_id INTEGER REFERENCES asset (id),
      failure_kind TEXT,
      failure_reason TEXT,
      failed_at TEXT,
      UNIQUE (root_id, folder, name),
      CHECK ((asset_id IS NULL) = (failure_reason IS NOT NULL))
    );
CREATE INDEX file_by_asset ON file (asset_id);
CREATE TABLE model (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      fingerprint TEXT NOT NULL,
      dim INTEGER NOT NULL,
      UNIQUE (name, fingerprint)
    );
CREATE TABLE embedding (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      asset_id INTEGER NOT NULL REFERENCES asset (id),
      model_id INTEGER NOT NULL REFERENCES model (id),
      kind TEXT NOT NULL CHECK (kind IN ('whole', 'region', 'frame')),
      box_left REAL,
      box_top REAL,
      box_width REAL,
      box_height REAL,
      second REAL,
      vector BLOB NOT NULL
    );
CREATE UNIQUE INDEX embedding_whole ON embedding (asset_id, model_id)
      WHERE kind = 'whole'
    ;
CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE UNIQUE);
CREATE TABLE asset_tag (
      asset_id INTEGER NOT NULL REFERENCES asset (id),
      tag_id INTEGER NOT NULL REFERENCES tag (id),
      source TEXT NOT NULL, score REAL, run_id INTEGER REFERENCES tag_run (id), said_at TEXT,
      PRIMARY KEY (asset_id, tag_id, source)
    ) WITHOUT ROWID
    ;
CREATE INDEX asset_tag_by_tag ON asset_tag (tag_id);
CREATE TABLE album (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL COLLATE NOCASE UNIQUE,
      query TEXT NOT NULL,
      saved_at TEXT NOT NULL
    );
CREATE VIRTUAL TABLE document USING fts5 (
      name, folder, tags, caption, tokenize = 'porter unicode61 remove_diacritics 2'
    );
CREATE INDEX embedding_by_kind ON embedding (model_id, kind, asset_id);
CREATE TABLE tag_run (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      model_id INTEGER NOT NULL REFERENCES model (id),
      vocabulary TEXT NOT NULL,
      started_at TEXT NOT NULL
    );
CREATE INDEX asset_tag_by_run ON asset_tag (run_id) WHERE run_id IS NOT NULL;
CREATE TABLE tag_rejection (
      asset_id INTEGER NOT NULL REFERENCES asset (id),
      tag_id INTEGER NOT NULL REFERENCES tag (id),
      rejected_at TEXT NOT NULL,
      PRIMARY KEY (asset_id, tag_id)
    ) WITHOUT ROWID
    ;
CREATE INDEX tag_rejection_by_tag ON tag_rejection (tag_id);
CREATE TABLE tag_coverage (
      asset_id INTEGER PRIMARY KEY REFERENCES asset (id),
      run_id INTEGER NOT NULL REFERENCES tag_run (id),
      fingerprint TEXT NOT NULL
    );
CREATE INDEX tag_coverage_by_run ON tag_coverage (run_id);
CREATE TABLE description (
      asset_id INTEGER PRIMARY KEY REFERENCES asset (id),
      model_id INTEGER NOT NULL REFERENCES model (id),
      alt TEXT NOT NULL,
      sentence TEXT NOT NULL,
      account TEXT NOT NULL,
      written_at TEXT NOT NULL
    );
CREATE INDEX asset_by_date ON asset (taken_at, id);
CREATE INDEX asset_without_blur ON asset (id) WHERE blur IS NULL;
CREATE TRIGGER words_of_file_placed AFTER INSERT ON file WHEN (SELECT count(*) FROM (SELECT 1 FROM file WHERE asset_id = NEW.asset_id AND id < NEW.id LIMIT 100)) < 100 BEGIN DELETE FROM document WHERE rowid = NEW.asset_id;
    INSERT INTO document (rowid, name, folder, tags, caption)
      SELECT asset.id, group_concat(file.name, ' '),
        group_concat(
          -- The last part of the root's path, and the folders below it.
          replace(rtrim(replace(root.path, '\', '/'), '/'), rtrim(rtrim(replace(root.path, '\', '/'), '/'), replace(rtrim(replace(root.path, '\', '/'), '/'), '/', '')), '') || ' ' || file.folder, ' '
        ),
        (SELECT group_concat(tag.name, ' ') FROM asset_tag JOIN tag ON tag.id = asset_tag.tag_id
          WHERE asset_tag.asset_id = asset.id AND asset_tag.source <> 'automatic'),
        asset.caption
      FROM asset JOIN file ON file.id IN (SELECT one.id FROM file AS one WHERE one.asset_id = asset.id ORDER BY one.id LIMIT 100) JOIN root ON root.id = file.root_id
      WHERE asset.id = NEW.asset_id GROUP BY asset.id;
 END;
CREATE TRIGGER words_of_file_changed AFTER UPDATE OF root_id, folder, name, asset_id ON file WHEN (SELECT count(*) FROM (SELECT 1 FROM file WHERE asset_id = OLD.asset_id AND id < OLD.id LIMIT 100)) < 100 OR (SELECT count(*) FROM (SELECT 1 FROM file WHERE asset_id = NEW.asset_id AND id < NEW.id LIMIT 100)) < 100 BEGIN DELETE FROM document WHERE rowid = OLD.asset_id;
    INSERT INTO document (rowid, name, folder, tags, caption)
      SELECT asset.id, group_concat(file.name, ' '),
        group_concat(
          -- The last part of the root's path, and the folders below it.
          replace(rtrim(replace(root.path, '\', '/'), '/'), rtrim(rtrim(replace(root.path, '\', '/'), '/'), replace(rtrim(replace(root.path, '\', '/'), '/'), '/', '')), '') || ' ' || file.folder, ' '
        ),
        (SELECT group_concat(tag.name, ' ') FROM asset_tag JOIN tag ON tag.id = asset_tag.tag_id
          WHERE asset_tag.asset_id = asset.id AND asset_tag.source <> 'automatic'),
        asset.caption
      FROM asset JOIN file ON file.id IN (SELECT one.id FROM file AS one WHERE one.asset_id = asset.id ORDER BY one.id LIMIT 100) JOIN root ON root.id = file.root_id
      WHERE asset.id = OLD.asset_id GROUP BY asset.id;
DELETE FROM document WHERE rowid = NEW.asset_id;
    INSERT INTO document (rowid, name, folder, tags, caption)
      SELECT asset.id, group_concat(file.name, ' '),
        group_concat(
          -- The last part of the root's path, and the folders below it.
          replace(rtrim(replace(root.path, '\', '/'), '/'), rtrim(rtrim(replace(root.path, '\', '/'), '/'), replace(rtrim(replace(root.path, '\', '/'), '/'), '/', '')), '') || ' ' || file.folder, ' '
        ),
        (SELECT group_concat(tag.name, ' ') FROM asset_tag JOIN tag ON tag.id = asset_tag.tag_id
          WHERE asset_tag.asset_id = asset.id AND asset_tag.source <> 'automatic'),
        asset.caption
      FROM asset JOIN file ON file.id IN (SELECT one.id FROM file AS one WHERE one.asset_id = asset.id ORDER BY one.id LIMIT 100) JOIN root ON root.id = file.root_id
      WHERE asset.id = NEW.asset_id GROUP BY asset.id;
 END;
CREATE TRIGGER words_of_file_gone AFTER DELETE ON file WHEN (SELECT count(*) FROM (SELECT 1 FROM file WHERE asset_id = OLD.asset_id AND id < OLD.id LIMIT 100)) < 100 BEGIN DELETE FROM document WHERE rowid = OLD.asset_id;
    INSERT INTO document (rowid, name, folder, tags, caption)
      SELECT asset.id, group_concat(file.name, ' '),
        group_concat(
          -- The last part of the root's path, and the folders below it.
          replace(rtrim(replace(root.path, '\', '/'), '/'), rtrim(rtrim(replace(root.path, '\', '/'), '/'), replace(rtrim(replace(root.path, '\', '/'), '/'), '/', '')), '') || ' ' || file.folder, ' '
        ),
        (SELECT group_concat(tag.name, ' ') FROM asset_tag JOIN tag ON tag.id = asset_tag.tag_id
          WHERE asset_tag.asset_id = asset.id AND asset_tag.source <> 'automatic'),
        asset.caption
      FROM asset JOIN file ON file.id IN (SELECT one.id FROM file AS one WHERE one.asset_id = asset.id ORDER BY one.id LIMIT 100) JOIN root ON root.id = file.root_id
      WHERE asset.id = OLD.asset_id GROUP BY asset.id;
 END;
CREATE TRIGGER words_of_asset_described AFTER UPDATE OF caption ON asset  BEGIN DELETE FROM document WHERE rowid = NEW.id;
    INSERT INTO document (rowid, name, folder, tags, caption)
      SELECT asset.id, group_concat(file.name, ' '),
        group_concat(
          -- The last part of the root's path, and the folders below it.
          replace(rtrim(replace(root.path, '\', '/'), '/'), rtrim(rtrim(replace(root.path, '\', '/'), '/'), replace(rtrim(replace(root.path, '\', '/'), '/'), '/', '')), '') || ' ' || file.folder, ' '
        ),
        (SELECT group_concat(tag.name, ' ') FROM asset_tag JOIN tag ON tag.id = asset_tag.tag_id
          WHERE asset_tag.asset_id = asset.id AND asset_tag.source <> 'automatic'),
        asset.caption
      FROM asset JOIN file ON file.id IN (SELECT one.id FROM file AS one WHERE one.asset_id = asset.id ORDER BY one.id LIMIT 100) JOIN root ON root.id = file.root_id
      WHERE asset.id = NEW.id GROUP BY asset.id;
 END;
CREATE TRIGGER words_of_asset_tagged AFTER INSERT ON asset_tag WHEN NEW.source <> 'automatic' BEGIN DELETE FROM document WHERE rowid = NEW.asset_id;
    INSERT INTO document (rowid, name, folder, tags, caption)
      SELECT asset.id, group_concat(file.name, ' '),
        group_concat(
          -- The last part of the root's path, and the folders below it.
          replace(rtrim(replace(root.path, '\', '/'), '/'), rtrim(rtrim(replace(root.path, '\', '/'), '/'), replace(rtrim(replace(root.path, '\', '/'), '/'), '/', '')), '') || ' ' || file.folder, ' '
        ),
        (SELECT group_concat(tag.name, ' ') FROM asset_tag JOIN tag ON tag.id = asset_tag.tag_id
          WHERE asset_tag.asset_id = asset.id AND asset_tag.source <> 'automatic'),
        asset.caption
      FROM asset JOIN file ON file.id IN (SELECT one.id FROM file AS one WHERE one.asset_id = asset.id ORDER BY one.id LIMIT 100) JOIN root ON root.id = file.root_id
      WHERE asset.id = NEW.asset_id GROUP BY asset.id;
 END;
CREATE TRIGGER words_of_asset_untagged AFTER DELETE ON asset_tag WHEN OLD.source <> 'automatic' BEGIN DELETE FROM document WHERE rowid = OLD.asset_id;
    INSERT INTO document (rowid, name, folder, tags, caption)
      SELECT asset.id, group_concat(file.name, ' '),
        group_concat(
          -- The last part of the root's path, and the folders below it.
          replace(rtrim(replace(root.path, '\', '/'), '/'), rtrim(rtrim(replace(root.path, '\', '/'), '/'), replace(rtrim(replace(root.path, '\', '/'), '/'), '/', '')), '') || ' ' || file.folder, ' '
        ),
        (SELECT group_concat(tag.name, ' ') FROM asset_tag JOIN tag ON tag.id = asset_tag.tag_id
          WHERE asset_tag.asset_id = asset.id AND asset_tag.source <> 'automatic'),
        asset.caption
      FROM asset JOIN file ON file.id IN (SELECT one.id FROM file AS one WHERE one.asset_id = asset.id ORDER BY one.id LIMIT 100) JOIN root ON root.id = file.root_id
      WHERE asset.id = OLD.asset_id GROUP BY asset.id;
 END;
CREATE TRIGGER words_of_root_moved AFTER UPDATE OF path ON root BEGIN DELETE FROM document WHERE rowid IN (SELECT asset_id FROM file WHERE root_id = NEW.id AND asset_id IS NOT NULL);
    INSERT INTO document (rowid, name, folder, tags, caption)
      SELECT asset.id, group_concat(file.name, ' '),
        group_concat(
          -- The last part of the root's path, and the folders below it.
          replace(rtrim(replace(root.path, '\', '/'), '/'), rtrim(rtrim(replace(root.path, '\', '/'), '/'), replace(rtrim(replace(root.path, '\', '/'), '/'), '/', '')), '') || ' ' || file.folder, ' '
        ),
        (SELECT group_concat(tag.name, ' ') FROM asset_tag JOIN tag ON tag.id = asset_tag.tag_id
          WHERE asset_tag.asset_id = asset.id AND asset_tag.source <> 'automatic'),
        asset.caption
      FROM asset JOIN file ON file.id IN (SELECT one.id FROM file AS one WHERE one.asset_id = asset.id ORDER BY one.id LIMIT 100) JOIN root ON root.id = file.root_id
      WHERE asset.id IN (SELECT asset_id FROM file WHERE root_id = NEW.id) GROUP BY asset.id;
 END;
INSERT INTO migration (name, applied_at) VALUES ('0001_initial', '2026-11-22T21:21:29+00:00');
INSERT INTO migration (name, applied_at) VALUES ('0002_search', '2026-11-22T21:21:29+00:00');
INSERT INTO migration (name, applied_at) VALUES ('0003_recognition', '2026-11-22T21:21:29+00:00');
INSERT INTO migration (name, applied_at) VALUES ('0004_blur', '2026-11-22T21:21:29+00:00');
INSERT INTO migration (name, applied_at) VALUES ('0005_by_date', '2026-11-22T21:21:29+00:00');
INSERT INTO migration (name, applied_at) VALUES ('0006_indexes', '2026-11-22T21:21:29+00:00');
INSERT INTO migration (name, applied_at) VALUES ('0007_few_names', '2026-11-22T21:21:29+00:00');
INSERT INTO setting (key, value) VALUES ('generation', '0');
INSERT INTO setting (key, value) VALUES ('library_id', '12c524e19cb04bd9b9e26d7a1687e9b7');
INSERT INTO setting (key, value) VALUES ('model_id', '1');
INSERT INTO setting (key, value) VALUES ('regions', 'yes');
INSERT INTO root (id, path, whole) VALUES (1, '/home/me/Holiday Pictures', 1);
INSERT INTO model (id, name, fingerprint, dim) VALUES (1, 'fake', 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', 4);
INSERT INTO tag (id, name) VALUES (1, 'Hündchen');
INSERT INTO tag (id, name) VALUES (2, 'cat');
INSERT INTO tag_run (id, model_id, vocabulary, started_at) VALUES (1, 1, 'photos', '2026-01-02T03:04:05+00:00');
INSERT INTO album (id, name, query, saved_at) VALUES (1, 'Desert', 'dune', '2026-01-02T03:04:05+00:00');
INSERT INTO asset (id, content_id, byte_size, format, width, height, taken_at, metadata_version, camera_model, latitude, caption, rating, described_by) VALUES (7, x'0707070707070707070707070707070707070707070707070707070707070707', 10, 'JPEG', 4, 3, '2020-05-06T07:08:09', 1, 'NIKON D90', 47.5, 'a dune', 5, 'sidecar');
INSERT INTO asset (id, content_id, byte_size, format, width, height, taken_at, metadata_version, blur) VALUES (8, x'0808080808080808080808080808080808080808080808080808080808080808', 10, 'PNG', 4, 3, NULL, 1, x'000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO asset_tag (asset_id, tag_id, source, said_at) VALUES (7, 1, 'user', '2026-01-02T03:04:05+00:00');
INSERT INTO asset_tag (asset_id, tag_id, source, score, run_id) VALUES (8, 2, 'automatic', 0.75, 1);
INSERT INTO tag_rejection (asset_id, tag_id, rejected_at) VALUES (7, 2, '2026-01-02T03:04:05+00:00');
INSERT INTO tag_coverage (asset_id, run_id, fingerprint) VALUES (7, 1, 'abc');
INSERT INTO description (asset_id, model_id, alt, sentence, account, written_at) VALUES (7, 1, 'A dune.', 'A dune in the sun.', '{}', '2026-01-02T03:04:05+00:00');
INSERT INTO file (id, root_id, folder, name, size, mtime_ns, asset_id) VALUES (1, 1, 'Mongolia/Gobi', 'dune.jpg', 10, 1, 7);
INSERT INTO file (id, root_id, folder, name, size, mtime_ns, asset_id) VALUES (2, 1, '', CAST(x'636166e90a6d656e752e6a7067' AS TEXT), 10, 1, 7);
INSERT INTO file (id, root_id, folder, name, size, mtime_ns, asset_id) VALUES (3, 1, '', 'camel.png', 10, 1, 8);
INSERT INTO file (id, root_id, folder, name, size, mtime_ns, asset_id, failure_kind, failure_reason, failed_at) VALUES (4, 1, '', 'bad.png', 10, 1, NULL, 'decode', 'it is damaged', '2026-01-02T03:04:05+00:00');
INSERT INTO embedding (id, asset_id, model_id, kind, vector) VALUES (5, 7, 1, 'whole', x'cd38663a00000000');
INSERT INTO embedding (id, asset_id, model_id, kind, vector) VALUES (6, 8, 1, 'whole', x'00000000003c0000');
INSERT INTO embedding (id, asset_id, model_id, kind, vector, box_left, box_top, box_width, box_height) VALUES (9, 7, 1, 'region', x'0000cd38663a0000', 0.0, 0.5, 0.5, 0.5);
