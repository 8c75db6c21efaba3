"""Preflight: every question to the database before anything is touched."""
