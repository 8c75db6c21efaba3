CREATE TABLE shop.archived_audit () INHERITS (shop.audit);
UPDATE ONLY shop.audit SET who = 'nobody' WHERE who IS NULL;
UPDATE shop.audit a SET what = concat(a.who, ': ', a.id) WHERE a.what IS DISTINCT FROM concat(a.who, ': ', a.id) AND a.what LIKE 'event %';
