CLUSTER corpus.t USING t_pkey;
