CREATE TABLE shop.audit_new (id int PRIMARY KEY, what text NOT NULL);
ALTER TABLE shop.audit RENAME TO audit_old;
ALTER TABLE shop.audit_new RENAME TO audit;
CREATE INDEX audit_old_what ON shop.audit_old (what);
