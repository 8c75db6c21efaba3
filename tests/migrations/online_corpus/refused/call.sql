-- reason: what the procedure does is not known
-- write: as statements of up.sql
CALL shop.clean_up();
