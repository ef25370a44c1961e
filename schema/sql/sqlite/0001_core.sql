-- The log, and beside it what is asked often. The log is the truth: the other tables can be checked against it.
-- Applied migrations are never edited; a change is a new file.

CREATE TABLE chain (
  id         TEXT NOT NULL PRIMARY KEY,  -- 32 hex digits
  instance   TEXT NOT NULL UNIQUE,       -- which gateway appends to it
  created_at INTEGER NOT NULL            -- milliseconds since 1970, as all times here
) STRICT;

-- `bytes` is what is hashed; the columns after it repeat parts of it, so that they can be searched.
CREATE TABLE record (
  id         INTEGER PRIMARY KEY,
  chain      TEXT NOT NULL REFERENCES chain (id),
  seq        INTEGER NOT NULL,
  previous   BLOB NOT NULL,
  hash       BLOB NOT NULL,
  bytes      BLOB NOT NULL,
  at         INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  request    TEXT NOT NULL,
  who        TEXT NOT NULL,
  repository TEXT NOT NULL,
  UNIQUE (chain, seq)
) STRICT;
CREATE INDEX record_by_kind       ON record (kind, id);
CREATE INDEX record_by_request    ON record (request) WHERE request <> '';
CREATE INDEX record_by_who        ON record (who, id) WHERE who <> '';
CREATE INDEX record_by_repository ON record (repository, id) WHERE repository <> '';

CREATE TABLE push (
  id            TEXT NOT NULL PRIMARY KEY,
  intent        INTEGER REFERENCES record (id),  -- null: a direct write
  outcome       INTEGER REFERENCES record (id),  -- null: not settled
  repository    TEXT NOT NULL,
  sponsor       TEXT NOT NULL,
  direct        INTEGER NOT NULL,
  link          INTEGER NOT NULL,
  truncated     INTEGER NOT NULL,
  last_accepted INTEGER NOT NULL                 -- seq of its last accepted ref; 0: none
) STRICT;
CREATE INDEX push_open ON push (intent) WHERE outcome IS NULL;

-- A ref that an accepted push moved. seq is the order of settlement over all repositories.
CREATE TABLE accepted_ref (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  push       TEXT NOT NULL REFERENCES push (id),
  repository TEXT NOT NULL,
  ref        BLOB NOT NULL,
  old_id     TEXT NOT NULL,
  new_id     TEXT NOT NULL,
  forced     INTEGER NOT NULL
) STRICT;
CREATE INDEX accepted_ref_by_ref  ON accepted_ref (repository, ref, seq);
CREATE INDEX accepted_ref_by_push ON accepted_ref (push);

-- The commits a push brought in, in the order its verdict lists them. `seq` is the first accepted ref of that push.
CREATE TABLE push_commit (
  repository TEXT NOT NULL,
  commit_id  BLOB NOT NULL,
  seq        INTEGER NOT NULL REFERENCES accepted_ref (seq),
  position   INTEGER NOT NULL,
  PRIMARY KEY (repository, commit_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX push_commit_by_push ON push_commit (seq, position);

CREATE TABLE deployment (
  id     TEXT NOT NULL PRIMARY KEY,
  digest BLOB NOT NULL,  -- of what was reported
  record INTEGER NOT NULL REFERENCES record (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
  number    INTEGER PRIMARY KEY,
  jws       TEXT NOT NULL,
  witnessed INTEGER NOT NULL
) STRICT;
