CREATE TABLE shop.teams (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id int NOT NULL REFERENCES shop.organizations (id) ON DELETE CASCADE,
    name text NOT NULL,
    code uuid NOT NULL DEFAULT gen_random_uuid(),
    UNIQUE (org_id, name),
    CHECK (name <> '')
);
CREATE INDEX teams_name ON shop.teams (name);
ALTER TABLE shop.teams ADD COLUMN token uuid DEFAULT gen_random_uuid();
ALTER TABLE shop.teams ADD CONSTRAINT teams_code UNIQUE (code);
COMMENT ON COLUMN shop.teams.code IS 'Code';
GRANT SELECT ON shop.teams TO platform_app;
ALTER TABLE shop.users ADD COLUMN team_id int REFERENCES shop.teams (id);
