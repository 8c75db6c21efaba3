-- reason: the setting would not last
-- write: Qualify names with their schema
SET search_path = shop;
