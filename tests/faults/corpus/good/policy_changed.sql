CREATE POLICY p ON corpus.t USING (true);
ALTER POLICY p ON corpus.t RENAME TO q;
DROP POLICY q ON corpus.t;
