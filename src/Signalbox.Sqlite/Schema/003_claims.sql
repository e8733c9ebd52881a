-- What actions of all runs claim now, as ClaimRules makes it of the entries: written in their transaction, and never the truth beside them.
CREATE TABLE claims(
  path TEXT NOT NULL,                -- of the resource: what overlap is decided by
  action_id TEXT NOT NULL,
  resource TEXT NOT NULL,            -- what people call it
  intent TEXT NOT NULL,
  against TEXT,                      -- a JSON array of intents; NULL for none
  phase TEXT NOT NULL,
  action TEXT NOT NULL,
  run TEXT NOT NULL,
  scope TEXT NOT NULL,
  step TEXT NOT NULL,
  position INTEGER NOT NULL,         -- of the entry that brought it into its phase
  at INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  until INTEGER,                     -- when it expires; NULL for never
  made INTEGER NOT NULL,
  undo INTEGER NOT NULL,
  told INTEGER NOT NULL,
  PRIMARY KEY(path, action_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_of_action ON claims(action_id);
CREATE INDEX claims_of_run ON claims(run);
CREATE INDEX claims_by_position ON claims(position);
CREATE INDEX claims_queued ON claims(position) WHERE phase = 'Queued';

-- What was used up of limits, and when. What no window reaches any more is deleted when more is used up.
CREATE TABLE limits(
  name TEXT NOT NULL,
  at INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY(name, at)
) STRICT, WITHOUT ROWID;

-- Who may answer a question and who has, as JSON; NULL where anybody may, and for other waits.
ALTER TABLE waits ADD COLUMN approval TEXT;
