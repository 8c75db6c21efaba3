-- reason: shop.score_of() may be volatile or change something
-- write: built-in functions
UPDATE shop.users SET score = shop.score_of(id) WHERE score IS NULL;
