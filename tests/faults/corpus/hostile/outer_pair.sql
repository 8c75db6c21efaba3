-- a
begin transaction;
CREATE TABLE corpus.x (a int);
end;
-- b
