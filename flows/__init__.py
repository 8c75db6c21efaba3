"""pgflight: clears a PostgreSQL migration for production and flies it."""
