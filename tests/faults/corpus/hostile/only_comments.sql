-- COMMIT;
/* nothing */
