<<<<<<< HEAD
CREATE TABLE corpus.x (a int);
=======
>>>>>>> other
