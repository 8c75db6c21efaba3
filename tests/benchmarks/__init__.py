"""The benchmark: one migration, run by several tools beside a working application."""
