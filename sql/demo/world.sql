-- The world before migration 008: users, organizations, and who belongs where.
--
-- Run by a superuser in an empty database. Roles belong to the whole server, so
-- they may be there already; their passwords are set by whoever runs this.

DO $roles$
BEGIN
    IF to_regrole('platform_owner') IS NULL THEN
        CREATE ROLE platform_owner;
    END IF;
    IF to_regrole('platform_app') IS NULL THEN
        CREATE ROLE platform_app;
    END IF;
END
$roles$;

-- Deploys migrations: owns every object, and is no superuser. pg_monitor lets it
-- see which sessions would block a migration.
ALTER ROLE platform_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
GRANT pg_monitor TO platform_owner;

-- The application's role: owns nothing.
ALTER ROLE platform_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;

CREATE SCHEMA platform AUTHORIZATION platform_owner;

SET ROLE platform_owner;

CREATE TABLE platform.organizations (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT organizations_name_not_blank CHECK (btrim(name) <> '')
);

CREATE TABLE platform.users (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    email text NOT NULL,
    display_name text NOT NULL,
    password_hash text NOT NULL,
    last_login_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email)
);

CREATE TABLE platform.org_members (
    user_id uuid NOT NULL,
    org_id uuid NOT NULL,
    role text NOT NULL DEFAULT 'member',
    joined_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT org_members_pkey PRIMARY KEY (user_id, org_id),
    CONSTRAINT org_members_role_known CHECK (role IN ('owner', 'admin', 'member')),
    CONSTRAINT org_members_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES platform.users (id) ON DELETE CASCADE,
    CONSTRAINT org_members_org_id_fkey FOREIGN KEY (org_id)
        REFERENCES platform.organizations (id) ON DELETE CASCADE
);

CREATE INDEX idx_org_members_org ON platform.org_members (org_id);

-- UPDATE is granted by column: a column that a migration adds is not the
-- application's to write unless the migration says so.
GRANT USAGE ON SCHEMA platform TO platform_app;
GRANT SELECT, INSERT ON platform.organizations TO platform_app;
GRANT SELECT, INSERT ON platform.users TO platform_app;
GRANT UPDATE (email, display_name, password_hash, last_login_at, updated_at)
    ON platform.users TO platform_app;
GRANT SELECT, INSERT, UPDATE (role), DELETE ON platform.org_members TO platform_app;

RESET ROLE;
