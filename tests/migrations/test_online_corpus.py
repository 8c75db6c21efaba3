"""Every way of running an up.sql comes to the same schema and the same rows.

The corpus is a folder of small up.sql files. Each is run plainly in one transaction
and compared with the same file run as online steps, as online steps that are killed
again and again, and reordered.
"""

from pathlib import Path

import pytest

from flows.database.connection import Conn
from flows.database.fingerprint import differences
from flows.migration.online.reorder import reordered
from flows.migration.online.rewrite import plan_online
from flows.migration.online.steps import OnlineStep
from flows.migration.script import Script, read_script
from tests.migrations.online_runner import CORPUS, Held, Runner, held, plainly

FLOWN = sorted((CORPUS / "flown").glob("*.sql"))

pytestmark = pytest.mark.parametrize("path", FLOWN, ids=lambda path: path.stem)


@pytest.fixture
def up(path: Path) -> Script:
    return read_script(path)


@pytest.fixture
def steps(up: Script) -> tuple[OnlineStep, ...]:
    return plan_online(up)


@pytest.fixture
def after(ground: Conn, up: Script) -> Held:
    """What the file does when it is run plainly."""
    return plainly(ground, [statement.text for statement in up.statements])


def assert_same(found: Held, expected: Held) -> None:
    assert differences(expected.schema, found.schema) == []
    assert found.rows == expected.rows


def test_steps_come_to_the_same(ground: Conn, steps, after: Held) -> None:
    Runner(ground).run(steps)
    assert_same(held(ground), after)


def test_steps_killed_and_run_again_come_to_the_same(
    ground: Conn, steps, after: Held
) -> None:
    Runner(ground, is_unlucky=True).run(steps)
    assert_same(held(ground), after)


def test_new_order_comes_to_the_same(ground: Conn, up: Script, after: Held) -> None:
    texts = [statement.text for statement in reordered(up.statements)]
    assert_same(plainly(ground, texts), after)


def test_steps_taken_back_leave_what_was_before(ground: Conn, steps) -> None:
    before = held(ground)
    runner = Runner(ground)
    runner.run_what_can_be_undone(steps)
    runner.take_back()
    assert_same(held(ground), before)
