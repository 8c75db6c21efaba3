"""What a script needs of the tables that it works on."""

from flows.migration.names import relation
from flows.migration.script import Script

_OWNERS_ONLY = {
    "alter_table_stmt": "relation",
    "index_stmt": "relation",
    "rename_stmt": "relation",
    "create_policy_stmt": "table",
    "alter_policy_stmt": "table",
    "rule_stmt": "relation",
}
"""Statements that only a table's owner may run, and the field that names the table."""


def owned_tables(script: Script) -> tuple[str, ...]:
    """Tables that whoever runs the script must own."""
    return _named(script, _OWNERS_ONLY)


def filled_tables(script: Script) -> tuple[str, ...]:
    """Tables whose rows an UPDATE changes: the longer, the more there are."""
    return _named(script, {"update_stmt": "relation"})


def _named(script: Script, fields: dict[str, str]) -> tuple[str, ...]:
    found = (
        relation(getattr(statement.node, fields[statement.kind]))
        for statement in script.statements
        if statement.kind in fields
    )
    return tuple(dict.fromkeys(name for name in found if name))
