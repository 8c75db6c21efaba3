NOTIFY corpus, 'COMMIT;';
