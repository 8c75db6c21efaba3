-- reason: it cannot be run in batches
-- write: INSERT … ON CONFLICT DO NOTHING
MERGE INTO shop.users AS u USING shop.members AS m ON m.user_id = u.id WHEN MATCHED THEN UPDATE SET score = 1;
