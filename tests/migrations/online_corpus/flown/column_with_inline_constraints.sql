ALTER TABLE shop.users
    ADD COLUMN age int CHECK (age > 0),
    ADD COLUMN handle text UNIQUE,
    ADD COLUMN org_id int DEFAULT 1 REFERENCES shop.organizations (id);
