-- What is counted, by workflow, figure and name; numbered, since each is counted in many slots of time.
CREATE TABLE stat_series (
    id       INTEGER PRIMARY KEY,
    workflow TEXT NOT NULL,
    figure   TEXT NOT NULL,
    name     TEXT NOT NULL,
    UNIQUE (workflow, figure, name)
) STRICT;

-- size: 1 minute, 2 hour, 3 day. slot: its start, microseconds since 1970.
CREATE TABLE stat_count (
    size   INTEGER NOT NULL,
    slot   INTEGER NOT NULL,
    series INTEGER NOT NULL,
    sum    INTEGER NOT NULL,
    PRIMARY KEY (size, slot, series)
) STRICT, WITHOUT ROWID;

-- Histograms: how often a time lay in a bin, and the longest.
CREATE TABLE stat_latency (
    size   INTEGER NOT NULL,
    slot   INTEGER NOT NULL,
    series INTEGER NOT NULL,
    bin    INTEGER NOT NULL,
    sum    INTEGER NOT NULL,
    max    INTEGER NOT NULL,
    PRIMARY KEY (size, slot, series, bin)
) STRICT, WITHOUT ROWID;

-- What must be known of a run to count its next entries, as JSON.
CREATE TABLE stat_run (
    run    TEXT PRIMARY KEY,
    memory TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- is_right: NULL while nobody knows.
CREATE TABLE stat_decision (
    run        TEXT NOT NULL,
    decision   TEXT NOT NULL,
    position   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    workflow   TEXT NOT NULL,
    tier       TEXT NOT NULL,
    confidence REAL NOT NULL,
    is_right   INTEGER,
    PRIMARY KEY (run, decision)
) STRICT, WITHOUT ROWID;

CREATE INDEX stat_decision_judged ON stat_decision (at) WHERE is_right IS NOT NULL;

-- The last that was said of an action.
CREATE TABLE stat_action (
    run      TEXT NOT NULL,
    action   TEXT NOT NULL,
    at       INTEGER NOT NULL,
    workflow TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    PRIMARY KEY (run, action)
) STRICT, WITHOUT ROWID;

CREATE INDEX stat_action_at ON stat_action (at, workflow, outcome);
