ALTER TABLE shop.orders ADD CONSTRAINT orders_member FOREIGN KEY (user_id, org_id) REFERENCES shop.members (user_id, org_id) NOT VALID;
