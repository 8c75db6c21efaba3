-- name: insert_event
INSERT INTO pgflight.event (flight_id, run_id, version, kind, outcome, client, detail)
VALUES (%(flight_id)s, %(run_id)s, %(version)s, %(kind)s, %(outcome)s, %(client)s, %(detail)s);

-- name: settle_flights
-- Flights that were killed, or that could not learn what became of their COMMIT. Whoever
-- asks has the claim, so their processes are gone; the fence, so their transactions are over.
INSERT INTO pgflight.event (flight_id, run_id, version, kind, outcome, client, detail)
SELECT last.flight_id,
       last.run_id,
       last.version,
       'settled',
       CASE WHEN begun.action = 'restore' THEN NULL
            WHEN r.run_id IS NULL OR r.state = 'rolled_back' THEN 'ROLLED_BACK'
            WHEN r.state = 'accepted' AND r.condemned IS NULL THEN 'DEPLOYED' END,
       %(client)s,
       CASE WHEN begun.action = 'restore' THEN 'what it had put back stays'
            WHEN r.run_id IS NULL THEN 'it never committed'
            WHEN r.condemned IS NOT NULL AND r.state <> 'rolled_back' THEN 'its rollback is unfinished'
            ELSE 'the ledger has it as ' || r.state END
FROM (SELECT DISTINCT ON (flight_id) flight_id, run_id, version, kind, outcome
      FROM pgflight.event
      WHERE kind IN ('started', 'suspended', 'approved', 'ended', 'settled')
      ORDER BY flight_id, id DESC) AS last
LEFT JOIN pgflight.run AS r ON r.run_id = last.run_id
LEFT JOIN LATERAL (
  SELECT pg_catalog.split_part(s.detail, ' ', 1) AS action
  FROM pgflight.event AS s
  WHERE s.flight_id = last.flight_id AND s.kind = 'started'
  ORDER BY s.id
  LIMIT 1) AS begun ON true
WHERE last.flight_id <> %(flight_id)s
  AND (last.kind IN ('started', 'approved') OR last.outcome = 'UNKNOWN')
RETURNING flight_id, version, outcome, detail;

-- name: anything_left
-- Whether settle_flights or select_unfinished would have anything to say.
SELECT EXISTS (
         SELECT
         FROM pgflight.run AS r
         WHERE r.state IN ('applying', 'applied', 'verified')
            OR (r.state = 'accepted' AND r.condemned IS NOT NULL)
       ) OR EXISTS (
         SELECT
         FROM (SELECT DISTINCT ON (flight_id) kind, outcome
               FROM pgflight.event
               WHERE kind IN ('started', 'suspended', 'approved', 'ended', 'settled')
               ORDER BY flight_id, id DESC) AS last
         WHERE last.kind IN ('started', 'approved') OR last.outcome = 'UNKNOWN'
       ) AS found;

-- name: select_unfinished
-- Runs that are not at their end, with the last word that counts of a flight about each.
-- A flight that was refused, a rollback that came to nothing and a restore decide nothing:
-- what was left to a person stays so, until somebody deploys again.
SELECT r.run_id,
       r.version,
       r.state,
       r.condemned,
       (SELECT last.outcome
        FROM (SELECT DISTINCT ON (e.flight_id) e.id, e.flight_id, e.outcome
              FROM pgflight.event AS e
              WHERE e.run_id = r.run_id AND e.kind IN ('started', 'ended', 'settled')
              ORDER BY e.flight_id, e.id DESC) AS last
        CROSS JOIN LATERAL (
          SELECT pg_catalog.split_part(s.detail, ' ', 1) AS action
          FROM pgflight.event AS s
          WHERE s.flight_id = last.flight_id AND s.kind = 'started'
          ORDER BY s.id
          LIMIT 1) AS begun
        WHERE (begun.action = 'deploy' AND last.outcome IS DISTINCT FROM 'BLOCKED')
           OR (begun.action = 'rollback' AND last.outcome IN ('NEEDS_DECISION', 'ROLLBACK_FAILED'))
        ORDER BY last.id DESC
        LIMIT 1) AS last_outcome
FROM pgflight.run AS r
WHERE r.state IN ('applying', 'applied', 'verified')
   OR (r.state = 'accepted' AND r.condemned IS NOT NULL)
ORDER BY r.applied_at;
