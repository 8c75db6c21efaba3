"""The fixtures of all tests, one plugin module a concern."""

pytest_plugins = ["tests.fix_server", "tests.fix_migrations"]
