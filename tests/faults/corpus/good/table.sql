CREATE TABLE corpus.x (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CONSTRAINT x_name_not_empty CHECK (name <> ''),
  at timestamptz NOT NULL DEFAULT now()
);
