"""No piece of a secret in anything that is said, anywhere, whatever goes wrong."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from flows.migration.outcome import Outcome
from flows.migration.redaction import Redaction
from flows.migration.report import Report
from tests.fix_secrets import PASSWORD, TOKEN, Login, Told, leaks_in, write_migration

Fly = Callable[[], Report]

UP = "CREATE TABLE platform.t009 (id integer);\n"
DOWN = "DROP TABLE platform.t009;\n"
TOKEN_SQL = "'" + TOKEN.replace("'", "''") + "'"
PROBES = """
[[smoke.probes]]
name = "up"
path = "/fine"

[[smoke.probes]]
name = "new"
needs_migration = true
method = "POST"
path = "/{path}"
headers = {{ Authorization = "Bearer ${{PGFLIGHT_TOKEN}}" }}
json = {{ token = "${{PGFLIGHT_TOKEN}}" }}
"""


class Blabbermouth(BaseHTTPRequestHandler):
    """Says what it was told: in bodies, headers and redirections."""

    def do_GET(self) -> None:
        self.answer(200, "{}")

    def do_POST(self) -> None:
        said = self.headers["Authorization"].removeprefix("Bearer ")
        login = f"http://me:{quote(said, safe='')}@127.0.0.1/"
        if self.path == "/echo":
            self.answer(500, f'{{"token": "{said}"}}', said)
        else:
            self.answer(302, said, login)

    def answer(self, status: int, body: str, said: str = "-") -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", said)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Blabbermouth) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def secrets(
    login: Login, endpoint: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A target whose password and token are wild, in the environment."""
    for name in [name for name in os.environ if name.startswith("PGFLIGHT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", login.url)
    monkeypatch.setenv("PGFLIGHT_TOKEN", TOKEN)
    monkeypatch.setenv("PGFLIGHT_ENDPOINT", endpoint)


@pytest.fixture
def fly(
    prefect: None,
    secrets: None,
    folder: Path,
    told: Told,
    admin: psycopg.Connection,
    capfd: pytest.CaptureFixture[str],
) -> Fly:
    """Deploys migration 009, and collects all that was said meanwhile."""
    from flows.deploy import deploy_migration
    from flows.tasks.landing import report_of

    def run() -> Report:
        try:
            state = deploy_migration("009", folder=str(folder), return_state=True)
            report = report_of(state)
            told.add_report(report)
        finally:
            told.add_prefect()
            told.add_ledger(admin)
            told.by_place["stdout"], told.by_place["stderr"] = capfd.readouterr()
        return report

    return run


# What goes wrong ----------------------------------------------------------------


@pytest.mark.parametrize("path", ["echo", "redirect"])
def test_application_that_says_the_token(
    path: str, fly: Fly, folder: Path, told: Told
) -> None:
    write_migration(folder, UP, down=DOWN, toml=PROBES.format(path=path))
    assert fly().outcome is Outcome.ROLLED_BACK
    assert told.leaks == {}


SAYING = {
    "statement": ("up", f"SELECT no_such_function({TOKEN_SQL});"),
    "exception": (
        "up",
        f"DO $x$ BEGIN RAISE EXCEPTION USING MESSAGE = {TOKEN_SQL}; END $x$;",
    ),
    "cast": ("up", f"SELECT {TOKEN_SQL}::int;"),
    "verification": (
        "verify",
        f"DO $x$ BEGIN RAISE EXCEPTION USING MESSAGE = {TOKEN_SQL}; END $x$;",
    ),
}


@pytest.mark.parametrize("what", SAYING)
def test_migration_that_says_the_token(
    what: str, fly: Fly, folder: Path, told: Told
) -> None:
    file, text = SAYING[what]
    up = UP + (text if file == "up" else "")
    verify = {"verify": text} if file == "verify" else {}
    write_migration(folder, up, down=DOWN, **verify)
    report = fly()
    assert report.outcome is Outcome.ROLLED_BACK
    assert "***" in report.errors[0]
    assert told.leaks == {}


def test_accepted_migration_with_the_token_in_its_sql(
    fly: Fly, folder: Path, told: Told
) -> None:
    """Even the plan's page, which shows each statement."""
    comment = f"COMMENT ON TABLE platform.t009 IS {TOKEN_SQL};"
    write_migration(folder, UP + comment, down=DOWN, toml=PROBES.format(path="fine"))
    fly()
    assert "COMMENT ON TABLE" in told.by_place["prefect artifacts"]
    assert told.leaks == {}


# The first call in up.sql; then verify.sql in the transaction, and once more after it.
@pytest.mark.parametrize("call", [1, 2, 3])
def test_connection_lost_in_mid_flight(
    call: int, fly: Fly, folder: Path, told: Told, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE SEQUENCE public.calls")
    admin.execute("GRANT USAGE ON SEQUENCE public.calls TO PUBLIC")
    end = (
        f"DO $$ BEGIN IF nextval('public.calls') = {call} THEN"
        " PERFORM pg_terminate_backend(pg_backend_pid()); END IF; END $$;"
    )
    write_migration(folder, UP + end, down=DOWN, verify=end)
    fly()
    row = admin.execute("SELECT last_value FROM public.calls").fetchone()
    assert row and row[0] >= call
    assert told.leaks == {}


def _say_everything(*_: object, **__: object) -> None:
    try:
        raise ValueError(os.environ["DATABASE_URL"])
    except ValueError as error:
        raise RuntimeError(f"{PASSWORD} {TOKEN!r}", [PASSWORD]) from error


def test_mistake_in_a_task(
    fly: Fly, folder: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.tasks.accept.record_accepted", _say_everything)
    write_migration(folder, UP, down=DOWN)
    assert "RuntimeError: " in fly().errors[0]
    assert "in _say_everything" in told.log.getvalue()
    assert told.leaks == {}


def test_mistake_in_a_flow(
    fly: Fly, folder: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.deploy.landing.close", _say_everything)
    write_migration(folder, UP, down=DOWN)
    with pytest.raises(RuntimeError) as caught:
        fly()
    assert leaks_in(f"{caught.value!r} {caught.value.__cause__!r}") == []
    assert "RuntimeError" in told.by_place["prefect states"]
    assert told.leaks == {}


@pytest.mark.parametrize("is_encoded", [True, False])
def test_replicas_that_are_wrong(
    is_encoded: bool,
    fly: Fly,
    folder: Path,
    told: Told,
    login: Login,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Listed as they are, all in one variable; each is wrong in a way of its own."""
    write_migration(folder, UP, down=DOWN)
    raw = ("not encoded", "half encoded", "broken key values")
    encoded = ("wrong password", "unknown database", "unknown host", "in the query")
    wrong = _targets(login)
    listed = [wrong[what]["DATABASE_URL"] for what in (encoded if is_encoded else raw)]
    urls = "\n".join([login.url, login.key_values, *listed])
    monkeypatch.setenv("PGFLIGHT_REPLICAS", urls)
    report = fly()
    assert report.outcome is Outcome.BLOCKED
    said = "is no standby" if is_encoded else "of PGFLIGHT_REPLICAS is neither"
    assert said in "\n".join(report.errors)
    assert told.leaks == {}


@pytest.fixture
def no_border(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests above are worth: without it each place says it."""
    monkeypatch.setattr(Redaction, "mask", lambda self, text: text)


@pytest.mark.usefixtures("no_border")
def test_mistake_in_a_task_leaks_without_the_border(
    fly: Fly, folder: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.tasks.accept.record_accepted", _say_everything)
    comment = f"COMMENT ON TABLE platform.t009 IS {TOKEN_SQL};"
    write_migration(folder, UP + comment, down=DOWN)
    fly()
    # Prefect gets its own copies a while later, and may not have them all yet.
    assert told.leaks.keys() >= {"log", "report", "terminal"}


@pytest.mark.usefixtures("no_border")
def test_mistake_in_a_flow_leaks_without_the_border(
    fly: Fly, folder: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.deploy.landing.close", _say_everything)
    write_migration(folder, UP, down=DOWN)
    with pytest.raises(RuntimeError):
        fly()
    assert told.leaks.keys() >= {"prefect states", "prefect flow_runs"}


@pytest.mark.usefixtures("no_border")
def test_rollback_leaks_without_the_border(
    fly: Fly, folder: Path, told: Told, sabotage: Callable[[str], None]
) -> None:
    """Its reason is kept in the ledger, and a parameter of the subflow."""
    sabotage("DROP TABLE platform.t009")
    say = f"RAISE EXCEPTION USING MESSAGE = {TOKEN_SQL}"
    gone = "to_regclass('platform.t009') IS NULL"
    verify = f"DO $x$ BEGIN IF {gone} THEN {say}; END IF; END $x$;"
    down = "DROP TABLE IF EXISTS platform.t009;"
    write_migration(folder, UP, down=down, verify=verify)
    fly()
    assert told.leaks.keys() >= {"pgflight.event", "prefect flow_runs"}


def test_every_record_is_masked_whoever_logs_it(
    secrets: None, told: Told, login: Login
) -> None:
    from flows import border

    border.install()
    log = logging.getLogger("somebody.else")
    log.warning("%s and %r", TOKEN, [PASSWORD], stack_info=True)
    log.error("%d", TOKEN)
    try:
        _say_everything()
    except RuntimeError:
        log.exception("so it was")
    assert "in _say_everything" in told.log.getvalue()
    assert told.leaks == {}


# The command line, a process of its own --------------------------------------------


def _run(
    arguments: list[str], variables: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PGFLIGHT_", "PG", "DATABASE_URL"))
    }
    return subprocess.run(
        [sys.executable, *arguments],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def _targets(login: Login) -> dict[str, dict[str, str]]:
    encoded = quote(PASSWORD, safe="")
    nowhere = login.url.replace("127.0.0.1", "nowhere.invalid")
    without = f"postgresql://{login.name}@127.0.0.1:{login.port}/{login.database}"
    return {
        "wrong password": {"DATABASE_URL": login.url_with(f"{encoded}x")},
        "unknown database": {"DATABASE_URL": f"{login.url}x"},
        "unknown host": {"DATABASE_URL": nowhere},
        "not encoded": {"DATABASE_URL": login.url_with(PASSWORD)},
        "half encoded": {"DATABASE_URL": login.url_with(f"{encoded}%zz")},
        "in the query": {"DATABASE_URL": f"{without}x?password={encoded}"},
        "key values": {"DATABASE_URL": f"{login.key_values} dbname=x"},
        "broken key values": {"DATABASE_URL": login.key_values_with(PASSWORD)},
        "PGPASSWORD": {"DATABASE_URL": f"{without}x", "PGPASSWORD": PASSWORD},
    }


TARGETS = list(_targets(Login("", 0, "")))


@pytest.mark.parametrize("what", TARGETS)
def test_target_that_is_wrong(what: str, login: Login, folder: Path) -> None:
    ended = _run(
        ["-m", "flows.cli", "status", "--folder", str(folder)], _targets(login)[what]
    )
    assert ended.returncode == 10, ended.stderr
    assert "Traceback" not in ended.stderr
    assert leaks_in(ended.stdout + ended.stderr) == []


def test_command_line_that_logs_everything(
    prefect: None, login: Login, endpoint: str, folder: Path
) -> None:
    from prefect.settings import PREFECT_API_URL

    write_migration(
        folder, UP + SAYING["cast"][1], down=DOWN, toml=PROBES.format(path="echo")
    )
    ended = _run(
        ["-m", "flows.cli", "deploy", "009", "--folder", str(folder), "--json"],
        {
            "DATABASE_URL": login.key_values,
            "PGFLIGHT_TOKEN": TOKEN,
            "PGFLIGHT_ENDPOINT": endpoint,
            "PREFECT_API_URL": str(PREFECT_API_URL.value()),
            "PREFECT_LOGGING_LEVEL": "DEBUG",
            "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "DEBUG",
        },
    )
    assert ended.returncode == 20, ended.stderr
    report = json.loads(ended.stdout)
    assert "***" in report["errors"][0]
    assert leaks_in(ended.stdout + ended.stderr) == []


UNCAUGHT = """
import os, threading
import flows.tasks
def fail():
    raise LookupError(os.environ["PGFLIGHT_TOKEN"])
thread = threading.Thread(target=fail)
thread.start()
thread.join()
try:
    fail()
except LookupError as error:
    raise OSError(7, "no", os.environ["DATABASE_URL"]) from error
"""


def test_uncaught_errors_of_threads_and_of_the_process(login: Login) -> None:
    variables = {"DATABASE_URL": login.url, "PGFLIGHT_TOKEN": TOKEN}
    ended = _run(["-c", UNCAUGHT], variables)
    assert ended.returncode == 1
    assert ended.stderr.count("LookupError") >= 2
    assert "***" in ended.stderr
    assert leaks_in(ended.stdout + ended.stderr) == []
