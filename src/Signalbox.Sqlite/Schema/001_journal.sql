-- The journal. Everything else in this file follows from it and is written in the same transaction.
-- "run" is runs.id: the text of an id stands once per run.
CREATE TABLE entries(
  position INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  at INTEGER NOT NULL,               -- microseconds since 1970, by the clock of the process that wrote
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  visit INTEGER NOT NULL,
  scope TEXT NOT NULL,
  step TEXT NOT NULL,
  actor TEXT NOT NULL,
  cause TEXT NOT NULL,
  body TEXT,                         -- JSON; NULL for an empty body
  salt BLOB,
  hash BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_of_run ON entries(run, seq);

-- A run's row. A step that changes nothing here does not touch it: seq and hash of the last entry stand in entries.
CREATE TABLE runs(
  id INTEGER PRIMARY KEY,            -- in the order of their start
  run TEXT NOT NULL,
  workflow TEXT NOT NULL,
  version INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  key TEXT,
  labels TEXT,                       -- a JSON object of texts; NULL for none
  parent TEXT,
  parent_step TEXT,
  status TEXT NOT NULL,
  state TEXT NOT NULL,
  visit INTEGER NOT NULL,
  visit_seq INTEGER NOT NULL,
  reason_code TEXT,
  reason TEXT,
  epoch INTEGER NOT NULL,
  worker TEXT,                       -- there while, and only while, it is driven
  lease_seq INTEGER NOT NULL,
  deaths INTEGER NOT NULL,
  alone INTEGER NOT NULL,
  deaths_alone INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  ready_at INTEGER                   -- from when on a worker may take it; NULL for never
) STRICT;
CREATE UNIQUE INDEX runs_by_name ON runs(run);
CREATE UNIQUE INDEX runs_by_key ON runs(workflow, key) WHERE key IS NOT NULL;
CREATE INDEX runs_by_status ON runs(status);
CREATE INDEX runs_ready ON runs(workflow, version, ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX runs_driven ON runs(worker) WHERE worker IS NOT NULL;

-- Open waits: seq is that of the entry that opened it.
CREATE TABLE waits(
  run INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  scope TEXT NOT NULL,
  step TEXT NOT NULL,
  name TEXT,                         -- of the signal
  due INTEGER,
  PRIMARY KEY(run, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX waits_for_people ON waits(run) WHERE kind = 'Approval';

-- Signals that nobody has consumed; the value stands in the entry.
CREATE TABLE signals(
  run INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY(run, seq)
) STRICT, WITHOUT ROWID;

-- Payloads by content. Large ones lie in files beside the database (bytes is NULL), so that they are written once and not
-- a second time by the checkpoint.
CREATE TABLE payloads(
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,                -- SHA-256 of the content
  length INTEGER NOT NULL,           -- of the content
  form TEXT NOT NULL,                -- how bytes or file hold it: 'plain' or 'brotli'
  bytes BLOB
) STRICT;
CREATE UNIQUE INDEX payloads_by_hash ON payloads(hash);

-- Which entries refer to a payload. There is no other count.
CREATE TABLE payload_refs(
  payload INTEGER NOT NULL,
  run INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY(payload, run, seq)
) STRICT, WITHOUT ROWID;
