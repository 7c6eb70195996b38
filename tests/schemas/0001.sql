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
    );
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
CREATE INDEX embedding_by_asset ON embedding (asset_id, model_id);
CREATE UNIQUE INDEX embedding_whole ON embedding (asset_id, model_id)
      WHERE kind = 'whole'
    ;
INSERT INTO migration (name, applied_at) VALUES ('0001_initial', '2026-11-22T18:35:03+00:00');
INSERT INTO setting (key, value) VALUES ('generation', '0');
INSERT INTO setting (key, value) VALUES ('library_id', '921218cbddda4695a47b939e459da51f');
INSERT INTO setting (key, value) VALUES ('model_id', '1');
INSERT INTO setting (key, value) VALUES ('regions', 'yes');
INSERT INTO root (id, path, whole) VALUES (1, '/home/me/Holiday Pictures', 1);
INSERT INTO model (id, name, fingerprint, dim) VALUES (1, 'fake', 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', 4);
INSERT INTO asset (id, content_id, byte_size, format, width, height, taken_at, camera_model, latitude) VALUES (7, x'0707070707070707070707070707070707070707070707070707070707070707', 10, 'JPEG', 4, 3, '2020-05-06T07:08:09', 'NIKON D90', 47.5);
INSERT INTO asset (id, content_id, byte_size, format, width, height, taken_at) VALUES (8, x'0808080808080808080808080808080808080808080808080808080808080808', 10, 'PNG', 4, 3, NULL);
INSERT INTO file (id, root_id, folder, name, size, mtime_ns, asset_id) VALUES (1, 1, 'Mongolia/Gobi', 'dune.jpg', 10, 1, 7);
INSERT INTO file (id, root_id, folder, name, size, mtime_ns, asset_id) VALUES (2, 1, '', CAST(x'636166e90a6d656e752e6a7067' AS TEXT), 10, 1, 7);
INSERT INTO file (id, root_id, folder, name, size, mtime_ns, asset_id) VALUES (3, 1, '', 'camel.png', 10, 1, 8);
INSERT INTO file (id, root_id, folder, name, size, mtime_ns, asset_id, failure_kind, failure_reason, failed_at) VALUES (4, 1, '', 'bad.png', 10, 1, NULL, 'decode', 'it is damaged', '2026-01-02T03:04:05+00:00');
INSERT INTO embedding (id, asset_id, model_id, kind, vector) VALUES (5, 7, 1, 'whole', x'cd38663a00000000');
INSERT INTO embedding (id, asset_id, model_id, kind, vector) VALUES (6, 8, 1, 'whole', x'00000000003c0000');
INSERT INTO embedding (id, asset_id, model_id, kind, vector, box_left, box_top, box_width, box_height) VALUES (9, 7, 1, 'region', x'0000cd38663a0000', 0.0, 0.5, 0.5, 0.5);
