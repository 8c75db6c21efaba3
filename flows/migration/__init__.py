"""The domain: what a migration is, what it expects, and what became of it.

Pure: no database, no network, no Prefect; the only I/O is reading a
migration's own files.
"""
