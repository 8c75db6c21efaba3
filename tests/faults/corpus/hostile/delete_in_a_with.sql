WITH gone AS (DELETE FROM corpus.t RETURNING id)
SELECT count(*) FROM gone;
