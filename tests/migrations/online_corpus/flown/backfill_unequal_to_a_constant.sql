UPDATE shop.users SET is_active = true WHERE is_active <> true AND score > 10;
UPDATE shop.orders SET state = 'sent' WHERE state IS DISTINCT FROM 'sent' AND amount < 30;
