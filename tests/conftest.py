"""The fixtures of all tests, one plugin module a concern."""

pytest_plugins = [
    "tests.fix_ci",
    "tests.fix_deployments",
    "tests.fix_server",
    "tests.fix_migrations",
    "tests.fix_flight",
    "tests.fix_prefect",
    "tests.fix_sabotage",
    "tests.fix_scripts",
]
