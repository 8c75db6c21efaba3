CREATE TABLE corpus.x (b bytea DEFAULT '\xDEADBEEF', c bit(3) DEFAULT B'101', d bit(8) DEFAULT X'FF');
