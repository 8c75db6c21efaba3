"""The modules of flows/ keep their rules, and each rule goes red when it is broken."""

import ast

import pytest

from tests import layers
from tests.layers import RULES, Module, Rule

MODULES = layers.modules()

BROKEN = [
    (layers.imports_only_lower_layers, "flows.migration.plan", "import psycopg"),
    (layers.imports_only_lower_layers, "flows.migration.plan", "import flows.cli"),
    (layers.imports_only_lower_layers, "flows.database.x", "from flows import smoke"),
    (layers.imports_only_lower_layers, "flows.database.x", "import prefect"),
    (layers.imports_only_lower_layers, "flows.smoke", "import flows.database.ledger"),
    (layers.imports_only_lower_layers, "flows.tasks.apply", "import httpx"),
    (layers.imports_only_lower_layers, "flows.tasks.x", "from flows.here import y"),
    (layers.imports_only_lower_layers, "flows.deploy", "import flows.database.apply"),
    (layers.imports_only_lower_layers, "flows.rollback", "import flows.deploy"),
    (layers.imports_only_lower_layers, "flows.resources", "import flows.migration"),
    (layers.imports_only_lower_layers, "flows.unheard_of", "import prefect"),
    (
        layers.imports_psycopg_only_where_it_speaks_sql,
        "flows.terminal",
        "from psycopg import sql",
    ),
    (layers.imports_absolutely, "flows.tasks.apply", "from . import step"),
    (
        layers.has_no_class_beside_a_flow,
        "flows.deploy",
        "@flow(name='a')\ndef a(): pass\nclass B: pass",
    ),
    (
        layers.has_no_class_beside_a_flow,
        "flows.deploy",
        "@prefect.flow\ndef a(): pass\nclass B: pass",
    ),
    (
        layers.has_no_class_beside_a_flow,
        "flows.deploy",
        "@migration_flow('a', 'b')\ndef a(): pass\nclass B: pass",
    ),
    (layers.has_a_name_of_its_own, "flows.tasks.signal", ""),
    (layers.has_a_docstring, "flows.deploy", "import os"),
    (layers.prints_only_to_a_person, "flows.tasks.apply", "print('applied')"),
    (layers.names_the_target_in_a_command, "flows.tasks.x", "a = 'pgflight recover'"),
    *[
        (layers.sends_no_sql_put_together_from_strings, "flows.database.x", source)
        for source in (
            "c.execute(f'DROP TABLE {name}')",
            "c.execute('DROP TABLE %s' % name)",
            "c.execute('DROP TABLE ' + name)",
            "c.execute('DROP TABLE {}'.format(name))",
            "c.executemany(f'INSERT INTO {name} VALUES (%s)', rows)",
        )
    ],
    *[
        (layers.uses_of_prefect_only_what_is_safe, name, source)
        for name, source in (
            ("flows.tasks.apply", "from prefect.transactions import transaction"),
            ("flows.deploy", "from prefect.concurrency.sync import concurrency"),
            ("flows.tasks.form", "Flow(plain, retries=1)"),
            ("flows.tasks.form", "Flow(plain, timeout_seconds=60)"),
            ("flows.tasks.step", "Task(plain, timeout_seconds=60)"),
            ("flows.tasks.form", "Flow(plain, on_crashed=[tell])"),
            ("flows.tasks.step", "Task(plain, on_rollback=[undo])"),
            ("flows.deploy", "@deploy_migration.on_failure\ndef a(b, c, d): pass"),
            ("flows.deploy", "future = apply.submit(flight)"),
            ("flows.tasks.apply", "apply._task.submit(flight)"),
        )
    ],
]

KEPT = [
    (layers.imports_only_lower_layers, "flows.smoke", "import httpx"),
    (layers.imports_only_lower_layers, "flows.deploy", "import flows.rollback"),
    (layers.imports_only_lower_layers, "flows.demo.show", "import flows.cli, uvicorn"),
    (layers.has_no_class_beside_a_flow, "flows.tasks.x", "class B: pass"),
    (layers.prints_only_to_a_person, "flows.cli", "print('done')"),
    (layers.names_the_target_in_a_command, "flows.tasks.x", "'As pgflight recover.'"),
    (
        layers.uses_of_prefect_only_what_is_safe,
        "flows.tasks.step",
        "Task(plain, retries=4).submit()",
    ),
    (
        layers.sends_no_sql_put_together_from_strings,
        "flows.database.x",
        "c.execute(sql.SQL('DROP TABLE {}').format(sql.Identifier(name)))",
    ),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps(rule: Rule) -> None:
    assert [(m.name, fault) for m in MODULES for fault in rule(m)] == []


@pytest.mark.parametrize(("rule", "name", "source"), BROKEN)
def test_rule_finds_the_fault(rule: Rule, name: str, source: str) -> None:
    assert list(rule(Module(name, ast.parse(source))))


@pytest.mark.parametrize(("rule", "name", "source"), KEPT)
def test_rule_allows_what_is_right(rule: Rule, name: str, source: str) -> None:
    assert not list(rule(Module(name, ast.parse(source))))


def test_every_rule_is_shown_broken() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)


def test_every_module_is_walked() -> None:
    assert {"flows", "flows.deploy", "flows.database.ledger"} <= {
        module.name for module in MODULES
    }
