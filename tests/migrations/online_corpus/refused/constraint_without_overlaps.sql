-- reason: the index of this constraint cannot be built beforehand
-- write: Leave out WITHOUT OVERLAPS
ALTER TABLE shop.users ADD UNIQUE (id, span WITHOUT OVERLAPS);
