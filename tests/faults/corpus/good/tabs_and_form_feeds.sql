CREATE	TABLE	corpus.x	(a	int);
