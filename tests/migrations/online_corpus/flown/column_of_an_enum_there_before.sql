ALTER TABLE shop.users ADD COLUMN last_state shop.state, ADD COLUMN states shop.state[];
