"""What cannot be flown online is refused: which statement, why, what to write instead.

Each file of the corpus says in its first two lines what the answer must hold. All
statements but the last one can be flown.
"""

from pathlib import Path

import pytest

from flows.migration.online.refused import NotOnline, Obstacle
from flows.migration.online.rewrite import plan_online
from flows.migration.script import Script, read_script
from tests.migrations.online_runner import CORPUS

REFUSED = sorted((CORPUS / "refused").glob("*.sql"))

pytestmark = pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)


@pytest.fixture
def up(path: Path) -> Script:
    return read_script(path)


@pytest.fixture
def refused(up: Script) -> NotOnline:
    with pytest.raises(NotOnline) as caught:
        plan_online(up)
    return caught.value


@pytest.fixture
def obstacle(refused: NotOnline) -> Obstacle:
    (only,) = refused.obstacles
    return only


def expected(up: Script, what: str) -> str:
    (line,) = [line for line in up.text.splitlines() if line.startswith(f"-- {what}: ")]
    return line.removeprefix(f"-- {what}: ")


def test_refusal_names_the_statement(up: Script, refused: NotOnline) -> None:
    last = up.statements[-1]
    assert refused.message.startswith(f"{last.where}: {last.summary}: ")


def test_refusal_gives_the_reason(up: Script, obstacle: Obstacle) -> None:
    assert expected(up, "reason") in obstacle.reason


def test_refusal_says_what_to_write(up: Script, obstacle: Obstacle) -> None:
    assert expected(up, "write") in obstacle.help


def test_refusal_is_one_message(up: Script, refused: NotOnline) -> None:
    assert expected(up, "write") in str(refused)
