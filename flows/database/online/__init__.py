"""The online strategy: the same up.sql, in steps that nobody waits for."""
