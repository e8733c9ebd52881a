-- Of an entry that was erased: the salted digest of its body, which stays in the chain when body and salt are gone.
ALTER TABLE entries ADD COLUMN digest BLOB;

-- Whether what the run was about was erased.
ALTER TABLE runs ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_erased ON runs(id) WHERE erased = 1;

-- By which an erasure finds what a run alone refers to.
CREATE INDEX payload_refs_of_run ON payload_refs(run);
