-- What a run's agents have used up, as JSON; NULL for nothing.
ALTER TABLE runs ADD COLUMN spent TEXT;
