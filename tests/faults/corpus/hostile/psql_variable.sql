CREATE TABLE corpus.:name (a int);
