ALTER TABLE shop.orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES shop.users (id) ON DELETE CASCADE;
ALTER TABLE shop.orders ADD FOREIGN KEY (org_id) REFERENCES shop.organizations (id) ON DELETE SET NULL;
