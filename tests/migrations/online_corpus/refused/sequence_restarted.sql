-- reason: hand out numbers that are taken
-- write: Leave out RESTART
ALTER SEQUENCE shop.tickets RESTART;
