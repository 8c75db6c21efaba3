-- The ledger: what pgflight has done to this database.
--
-- Created inside the first deployment's own transaction, behind the fence, so
-- that two first deployers cannot collide. Every statement may run again.

CREATE SCHEMA IF NOT EXISTS pgflight;

COMMENT ON SCHEMA pgflight IS
  'Ledger of pgflight: which migrations were deployed here, and what a rollback saved.';

-- One row a committed run. The row of a deployment is written by the very
-- transaction that applies the migration: if the row is there, so is the
-- migration, whatever the client was told.
CREATE TABLE IF NOT EXISTS pgflight.run (
  run_id             uuid PRIMARY KEY,
  version            text NOT NULL,
  name               text NOT NULL,
  state              text NOT NULL
                     CONSTRAINT run_state
                     CHECK (state IN ('applying', 'applied', 'verified', 'accepted', 'rolled_back')),
  strategy           text NOT NULL
                     CONSTRAINT run_strategy CHECK (strategy IN ('transactional', 'online')),
  checksum           text NOT NULL,
  applied_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  applied_by         text NOT NULL DEFAULT session_user,
  state_since        timestamptz NOT NULL DEFAULT clock_timestamp(),
  state_by           text NOT NULL DEFAULT session_user,
  rows_filled        bigint NOT NULL,
  locked_ms          double precision NOT NULL,
  fingerprint_before jsonb NOT NULL,
  fingerprint_after  jsonb,
  felt               jsonb,
  condemned          text
);

COMMENT ON TABLE pgflight.run IS 'Committed deployments, and what became of them.';
COMMENT ON COLUMN pgflight.run.run_id IS 'Chosen by the deployer before it connects; the only arbiter of a lost COMMIT.';
COMMENT ON COLUMN pgflight.run.version IS 'Leading number of the migration''s folder.';
COMMENT ON COLUMN pgflight.run.name IS 'Rest of the folder''s name.';
COMMENT ON COLUMN pgflight.run.state IS 'applying (online only), applied, verified, accepted or rolled_back.';
COMMENT ON COLUMN pgflight.run.strategy IS 'How the migration was applied.';
COMMENT ON COLUMN pgflight.run.checksum IS 'SHA-256 of up.sql as it was applied.';
COMMENT ON COLUMN pgflight.run.applied_at IS 'Just before the COMMIT.';
COMMENT ON COLUMN pgflight.run.applied_by IS 'Role that applied it.';
COMMENT ON COLUMN pgflight.run.state_since IS 'When the state was reached.';
COMMENT ON COLUMN pgflight.run.state_by IS 'Role that brought it to this state.';
COMMENT ON COLUMN pgflight.run.rows_filled IS 'Rows that INSERT, UPDATE and DELETE statements reported.';
COMMENT ON COLUMN pgflight.run.locked_ms IS 'Milliseconds from the first statement to the ledger row; with rows_filled the rate for estimates.';
COMMENT ON COLUMN pgflight.run.fingerprint_before IS 'Hash of every object''s definition, before.';
COMMENT ON COLUMN pgflight.run.fingerprint_after IS 'The same, after the COMMIT.';
COMMENT ON COLUMN pgflight.run.felt IS 'What the application felt, as the report has it: each lock and how long it was held, how many sessions waited, the longest wait. NULL when the deployer died before it could say.';
COMMENT ON COLUMN pgflight.run.condemned IS 'Why it is, or was, to be rolled back; while it is still in place, a rollback is unfinished.';

-- At most one deployment of a version is in place.
CREATE UNIQUE INDEX IF NOT EXISTS run_in_place
  ON pgflight.run (version) WHERE state <> 'rolled_back';

-- The steps of an online run: what the next run continues from.
CREATE TABLE IF NOT EXISTS pgflight.step (
  run_id     uuid NOT NULL
             CONSTRAINT step_run REFERENCES pgflight.run (run_id),
  number     integer NOT NULL,
  summary    text NOT NULL,
  state      text NOT NULL
             CONSTRAINT step_state CHECK (state IN ('running', 'done', 'undone')),
  undo       text[] NOT NULL,
  next_block bigint NOT NULL DEFAULT 0,
  rows       bigint NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at   timestamptz,
  CONSTRAINT step_pkey PRIMARY KEY (run_id, number)
);

COMMENT ON TABLE pgflight.step IS 'Steps of online deployments; each is recorded by the transaction that runs it.';
COMMENT ON COLUMN pgflight.step.undo IS 'Statements that take the step back: only for what was not there before.';
COMMENT ON COLUMN pgflight.step.next_block IS 'Block of the table that a backfill goes on from.';
COMMENT ON COLUMN pgflight.step.rows IS 'Rows that a backfill has filled so far.';

CREATE TABLE IF NOT EXISTS pgflight.event (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at          timestamptz NOT NULL DEFAULT clock_timestamp(),
  flight_id  uuid NOT NULL,
  run_id      uuid NOT NULL,
  version     text NOT NULL,
  kind        text NOT NULL
              CONSTRAINT event_kind
              CHECK (kind IN ('started', 'suspended', 'approved', 'declined', 'applying', 'applied', 'verified', 'accepted', 'condemned', 'spared', 'rolled_back', 'ended', 'settled')),
  outcome     text,
  actor       text NOT NULL DEFAULT session_user,
  client      text NOT NULL,
  detail      text NOT NULL
);

CREATE INDEX IF NOT EXISTS event_flight ON pgflight.event (flight_id, id);
CREATE INDEX IF NOT EXISTS event_run ON pgflight.event (run_id, id);

COMMENT ON TABLE pgflight.event IS 'The audit: what happened, in order, of every flight, also of those that failed; rows are only ever added.';
COMMENT ON COLUMN pgflight.event.flight_id IS 'The execution of pgflight that did it: its id is in application_name, too.';
COMMENT ON COLUMN pgflight.event.run_id IS 'The deployment that it was about: its row in pgflight.run, if it ever committed.';
COMMENT ON COLUMN pgflight.event.kind IS 'started, suspended and ended: of the flight; approved and declined: by a person; condemned and spared: a rollback begins, and is refused or stopped; settled: what became of a flight that could not say; the others: states of the run.';
COMMENT ON COLUMN pgflight.event.outcome IS 'How the flight ended, where that is known.';
COMMENT ON COLUMN pgflight.event.client IS 'User and host that the flight was started from.';
COMMENT ON COLUMN pgflight.event.detail IS 'What was asked for, or why it ended so: one sentence for a person.';

CREATE OR REPLACE FUNCTION pgflight.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'pgflight.% is an audit: rows are only ever added', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END
$$;

REVOKE ALL ON FUNCTION pgflight.refuse_change() FROM PUBLIC;

CREATE OR REPLACE TRIGGER append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON pgflight.event
  FOR EACH STATEMENT EXECUTE FUNCTION pgflight.refuse_change();

-- What rollbacks would have deleted. Values are kept in their text form, which
-- every PostgreSQL type reads back exactly.
CREATE TABLE IF NOT EXISTS pgflight.saved (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at          timestamptz NOT NULL DEFAULT clock_timestamp(),
  run_id      uuid NOT NULL,
  version     text NOT NULL,
  relation    text NOT NULL,
  key_names   text[] NOT NULL,
  key_types   text[] NOT NULL,
  value_names text[] NOT NULL,
  value_types text[] NOT NULL,
  row_count   bigint NOT NULL,
  whole_rows  boolean NOT NULL,
  has_key     boolean NOT NULL,
  is_kept     boolean NOT NULL DEFAULT false,
  restored_at timestamptz,
  restored_by uuid,
  conflict    text,
  horizon     text
);

COMMENT ON TABLE pgflight.saved IS 'One row for each column or table whose data a rollback saved.';
COMMENT ON COLUMN pgflight.saved.run_id IS 'The deployment that was rolled back.';
COMMENT ON COLUMN pgflight.saved.relation IS 'Table that the data belonged to, as SQL writes it.';
COMMENT ON COLUMN pgflight.saved.key_names IS 'Columns that name a row: its primary key, or all where there is none.';
COMMENT ON COLUMN pgflight.saved.value_names IS 'Columns that were saved.';
COMMENT ON COLUMN pgflight.saved.row_count IS 'Rows in saved_row.';
COMMENT ON COLUMN pgflight.saved.is_kept IS 'Copied ahead of the rollback''s transaction, and kept by its COMMIT; the next rollback forgets what is not.';
COMMENT ON COLUMN pgflight.saved.whole_rows IS 'Whether rows were deleted, and not a column.';
COMMENT ON COLUMN pgflight.saved.has_key IS 'Whether key_names is a primary key.';
COMMENT ON COLUMN pgflight.saved.restored_at IS 'When it was put back, all but what has a conflict.';
COMMENT ON COLUMN pgflight.saved.restored_by IS 'The run that did so.';
COMMENT ON COLUMN pgflight.saved.horizon IS 'Of a column with a default: the cluster, and the transaction before which a row must have been written last to have no value of a user''s. NULL where no deployment has made the column since.';
COMMENT ON COLUMN pgflight.saved.conflict IS 'Why none of it could be put back.';

CREATE TABLE IF NOT EXISTS pgflight.saved_row (
  saved_id   bigint NOT NULL
             CONSTRAINT saved_row_saved REFERENCES pgflight.saved (id) ON DELETE CASCADE,
  key_texts  text[] NOT NULL,
  value_texts text[] NOT NULL,
  restored    boolean NOT NULL DEFAULT false,
  conflict    text
);

-- Not in the ledgers of earlier builds.
ALTER TABLE pgflight.saved_row ADD COLUMN IF NOT EXISTS is_overwritten boolean NOT NULL DEFAULT false;

-- It has no key, and a publication FOR ALL TABLES lets nobody delete from a table that
-- has no identity.
ALTER TABLE pgflight.saved_row REPLICA IDENTITY FULL;

COMMENT ON TABLE pgflight.saved_row IS 'The saved data, a row for a row.';
COMMENT ON COLUMN pgflight.saved_row.key_texts IS 'In the order of saved.key_names.';
COMMENT ON COLUMN pgflight.saved_row.value_texts IS 'In the order of saved.value_names; NULL stays NULL.';
COMMENT ON COLUMN pgflight.saved_row.restored IS 'Put back in a batch; of a set put back in one go only saved.restored_at says so.';
COMMENT ON COLUMN pgflight.saved_row.conflict IS 'Why it was not put back; it stays here.';
COMMENT ON COLUMN pgflight.saved_row.is_overwritten IS 'The rollback has left its row, or its column''s value, with something else in it: whoever deletes or empties that has meant it.';

-- By a hash, because a key may be longer than an index takes.
CREATE INDEX IF NOT EXISTS saved_row_key
  ON pgflight.saved_row (saved_id, pg_catalog.hash_array_extended(key_texts, 0));

-- What makes a statement that puts rows back fail, and leave nothing behind.
CREATE OR REPLACE FUNCTION pgflight.refuse(reason text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION '%', reason USING ERRCODE = 'triggered_action_exception';
END
$$;

REVOKE ALL ON FUNCTION pgflight.refuse(text) FROM PUBLIC;

CREATE OR REPLACE VIEW pgflight.open_column AS
SELECT s.*
FROM pgflight.saved AS s
WHERE s.is_kept
  AND NOT s.whole_rows
  AND (s.restored_at IS NULL OR NOT EXISTS (
    SELECT FROM pgflight.run AS r
    WHERE r.run_id = s.restored_by AND r.state <> 'rolled_back'));

COMMENT ON VIEW pgflight.open_column IS 'Of saved the columns that no deployment which is in place has put back.';

-- Where this ledger is. A copy of the database has the same row and another
-- identity, so that whoever deploys to it by mistake is told.
CREATE TABLE IF NOT EXISTS pgflight.target (
  is_it             boolean PRIMARY KEY DEFAULT true
                    CONSTRAINT target_one_row CHECK (is_it),
  system_identifier text NOT NULL,
  database          text NOT NULL,
  pinned_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  pinned_by         text NOT NULL DEFAULT session_user
);

COMMENT ON TABLE pgflight.target IS 'Identity of the database that deployments went to; written by the first that was accepted.';
COMMENT ON COLUMN pgflight.target.system_identifier IS 'Made by initdb; a standby that is promoted has the same.';

-- Functions that a deployment has replaced, as they were before.
CREATE TABLE IF NOT EXISTS pgflight.replaced_function (
  run_id     uuid NOT NULL,
  signature  text NOT NULL,
  definition text NOT NULL,
  owner      text NOT NULL,
  grants     jsonb NOT NULL,
  comment    text,
  CONSTRAINT replaced_function_pkey PRIMARY KEY (run_id, signature)
);

COMMENT ON TABLE pgflight.replaced_function IS 'Functions and procedures as they were before a deployment replaced them; its rollback puts them back.';
COMMENT ON COLUMN pgflight.replaced_function.signature IS 'Name and input types, qualified.';
COMMENT ON COLUMN pgflight.replaced_function.grants IS 'Who may execute it: pairs of role (empty for PUBLIC) and whether it may grant that on.';

-- What the application's role could do before a deployment, of all that this names.
CREATE TABLE IF NOT EXISTS pgflight.application_right (
  run_id uuid NOT NULL,
  role   text NOT NULL,
  rights jsonb NOT NULL,
  CONSTRAINT application_right_pkey PRIMARY KEY (run_id)
);

COMMENT ON TABLE pgflight.application_right IS 'What the application could do before a deployment; what it then lacks is a failed check, also later.';
COMMENT ON COLUMN pgflight.application_right.role IS 'The target''s application role at that time.';
