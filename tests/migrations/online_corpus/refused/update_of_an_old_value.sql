-- reason: nothing in its WHERE leaves out the rows that it has changed
-- write: joined by AND
UPDATE shop.orders SET state = 'sent' WHERE state = 'paid';
