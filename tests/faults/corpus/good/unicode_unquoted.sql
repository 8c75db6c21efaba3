CREATE TABLE corpus.größe (naïve int);
