"""The demo: a private PostgreSQL, a world to migrate, and an application on it."""
