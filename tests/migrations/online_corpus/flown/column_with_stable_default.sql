ALTER TABLE shop.orders ADD COLUMN owner_name text DEFAULT upper('x') || 'y';
