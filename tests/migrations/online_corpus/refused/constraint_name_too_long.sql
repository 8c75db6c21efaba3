-- reason: is too long for one
-- write: Name the constraint
ALTER TABLE shop.users ADD CHECK (a_column_with_a_name_that_is_longer_than_most_of_them_are_here > 0);
