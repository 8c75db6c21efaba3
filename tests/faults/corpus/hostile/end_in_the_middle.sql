CREATE TABLE corpus.x (a int);
end work;
CREATE TABLE corpus.y (a int);
