-- reason: the number of rows is not known beforehand
-- write: a job of your own
COPY shop.audit FROM '/nowhere';
