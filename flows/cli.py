"""The command line: it drives the same flows that Prefect runs."""

import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import cyclopts
from cyclopts import App, Parameter
from rich.console import Console

from flows.arguments import (
    AsJson,
    Budget,
    Folder,
    ReportFile,
    Strategy,
    TargetName,
    Version,
    holds_no_credential,
)
from flows.asking import asker
from flows.border import install
from flows.here import STOPPED, Interrupted, prepare_prefect, run_here
from flows.lasting import outlive_readers
from flows.migration.errors import PgflightError
from flows.migration.folder import DEFAULT_FOLDER, load_migration
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.migration.report_json import report_as_json
from flows.migration.strategy import WORKERS, Terms
from flows.migration.target import URL_VARIABLE
from flows.report_file import write_report
from flows.targets import find_target
from flows.terminal import print_json, say, show_plan, show_report, show_status

USAGE_ERROR = 2

app = App(
    name="pgflight",
    help="""Clear a PostgreSQL migration for production and fly it.

    The target comes from the environment: DATABASE_URL, as the role that owns the
    tables, and PGFLIGHT_… for what the smoke test needs (PGFLIGHT_ENDPOINT,
    PGFLIGHT_TOKEN and whatever migration.toml names as ${NAME}). --target staging
    takes DATABASE_URL_STAGING and PGFLIGHT_STAGING_… instead, or the block
    postgres-target/staging of the Prefect server that PREFECT_API_URL names.

    Exit codes: 0 DEPLOYED, RESTORED or NOTHING_TO_DO, 10 BLOCKED, 20 ROLLED_BACK,
    30 ROLLBACK_FAILED, 40 NEEDS_DECISION, 50 UNKNOWN, 2 wrong usage;
    60 of `run --watch`: not over when the time was up.

    Start with: pgflight demo
    """,
    help_format="markdown",
    version=lambda: version("pgflight"),
    # main() says that it was stopped; cyclopts would end without a word.
    suppress_keyboard_interrupt=False,
)


@app.command
def deploy(
    migration: Version,
    *,
    target: TargetName = None,
    folder: Folder = DEFAULT_FOLDER,
    budget_ms: Budget = None,
    strategy: Strategy = "auto",
    workers: Annotated[
        int, Parameter(validator=cyclopts.validators.Number(gte=1, lte=16))
    ] = WORKERS,
    approval: Annotated[bool, Parameter(negative="")] = False,
    as_json: AsJson = False,
    report: ReportFile = None,
) -> int:
    """Deploy a migration: preflight, plan, apply, verify, smoke test, accept.

    When anything turns out bad, it is rolled back. Deploying what is already in place
    verifies it and sends no DDL.

    Example: pgflight deploy 008 --folder db/migrations

    Args:
        workers: Backends that fill rows at the same time, online.
        approval: Show the plan and ask on this terminal before anything is done.
    """
    ask = asker(_console(as_json)) if approval else None

    def run() -> Any:
        from flows.deploy import deploy_migration
        from flows.tasks.approval import asking

        with asking(ask) if ask else nullcontext():
            return deploy_migration(
                migration,
                target=target,
                folder=folder,
                budget_ms=budget_ms,
                strategy=strategy,
                workers=workers,
                approval=approval,
                return_state=True,
            )

    return _fly("deploy", run, as_json, report)


@app.command
def rollback(
    migration: Version,
    *,
    target: TargetName = None,
    folder: Folder = DEFAULT_FOLDER,
    reason: Annotated[
        str, Parameter(validator=holds_no_credential)
    ] = "asked for by hand",
    budget_ms: Budget = None,
    yes: Annotated[bool, Parameter(negative="")] = False,
    as_json: AsJson = False,
    report: ReportFile = None,
) -> int:
    """Take a migration back without losing a row.

    What down.sql deletes is saved in the ledger (schema pgflight) in the same
    transaction, and the schema is proved to be as before. Says what will be saved, and
    waits 5 seconds in which Ctrl-C stops it. Exits with 0 when it is rolled back.

    Args:
        reason: Why; kept in the ledger.
        yes: Do not wait; for CI.
    """
    from flows.by_hand import announce_rollback, wait

    console = _console(as_json)
    announce_rollback(console, migration, folder, target)
    if not yes:
        wait(console)

    def run() -> Any:
        from flows.rollback import rollback_migration

        return rollback_migration(
            migration,
            confirm=migration,
            target=target,
            reason=reason,
            budget_ms=budget_ms,
            folder=folder,
            return_state=True,
        )

    return _fly("rollback", run, as_json, report)


@app.command
def recover(
    *,
    target: TargetName = None,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
    report: ReportFile = None,
) -> int:
    """Bring to its end what a killed run has left, and do nothing else.

    An unfinished deployment goes on where it was, an unfinished rollback too; what
    became of a lost COMMIT (UNKNOWN) is settled. What waits for a person's decision is
    named and left alone (exit code 40). Safe at any time: while another run is at work
    there is nothing to do. For a schedule, and after any crash.
    """

    def run() -> Any:
        from flows.recover import recover_migrations

        return recover_migrations(target, folder, return_state=True)

    return _fly("recover", run, as_json, report)


@app.command
def restore(
    migration: Version,
    *,
    target: TargetName = None,
    folder: Folder = DEFAULT_FOLDER,
    budget_ms: Budget = None,
    as_json: AsJson = False,
    report: ReportFile = None,
) -> int:
    """Put back what a rollback of a migration saved and nothing has put back yet.

    Deploying the migration again does this by itself; this is for what had a conflict
    then, once its cause is gone. It works in short batches while everybody goes on, and
    writes nothing over: a column only where it is NULL, a row only where its key is
    free. Whatever else there is stays saved and is listed with the reason. Exits with 0
    when all is put back, and with 40 (NEEDS_DECISION) when something is left.

    Example: pgflight restore 008
    """
    from flows.by_hand import announce_restore

    announce_restore(_console(as_json), migration, folder, target)

    def run() -> Any:
        from flows.restore import restore_migration

        return restore_migration(
            migration, target, budget_ms, folder, return_state=True
        )

    return _fly("restore", run, as_json, report)


@app.command
def verify(
    migration: Annotated[
        str | None,
        Parameter(help="Version or name; every accepted migration when left out."),
    ] = None,
    *,
    target: TargetName = None,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
    report: ReportFile = None,
) -> int:
    """Check what is deployed again, one migration or all; nothing is changed."""

    def run() -> Any:
        from flows.verify import verify_migration

        return verify_migration(migration, target, folder, return_state=True)

    return _fly("verify", run, as_json, report)


@app.command
def run(
    migration: Annotated[
        str | None, Parameter(help="Version or name; none for recover-migrations.")
    ] = None,
    *,
    target: Annotated[str | None, Parameter(env_var="PGFLIGHT_TARGET")] = None,
    folder: Annotated[
        str | None,
        Parameter(env_var="PGFLIGHT_MIGRATIONS", validator=holds_no_credential),
    ] = None,
    deployment: str = "deploy-migration/production",
    param: Annotated[list[str] | None, Parameter(negative="")] = None,
    tag: Annotated[list[str] | None, Parameter(negative="")] = None,
    idempotency_key: str = "",
    watch: Annotated[bool, Parameter(negative="")] = False,
    timeout: Annotated[
        float | None, Parameter(validator=cyclopts.validators.Number(gt=0))
    ] = None,
    pickup: Annotated[
        float, Parameter(validator=cyclopts.validators.Number(gt=0))
    ] = 30.0,
    as_json: AsJson = False,
) -> int:
    """Start a run of a Prefect deployment, and follow it: for CI.

    A worker executes it; PREFECT_API_URL (and PREFECT_API_AUTH_STRING) say where. With
    --watch its log is shown as it grows, and the exit code is the outcome's. 60: it was
    not over when the time was up. 130: Ctrl-C, or SIGTERM. In both cases the run goes
    on, and you are told where to look and how to cancel it.

    Example: pgflight run 008 --target prod --watch --timeout 3600

    Args:
        target: Name of the target; the worker's own when left out.
        folder: Folder of migrations, as the worker sees it; its own when left out.
        deployment: Flow and deployment, such as rollback-migration/production.
        param: A further parameter as name=value, such as approval=true; repeatable.
        tag: A tag for the run, beside those of the deployment; repeatable.
        idempotency_key: Started again with the same key it is the same run, also one
            that is over: so name the attempt in it, and the job.
        watch: Follow the run to its end.
        timeout: Seconds after which to stop following; as long as it takes if left out.
        pickup: Seconds after which to say that no worker has taken it.
    """
    from flows.remote.command import Following, named, run_remotely, show_result
    from flows.remote.given import split
    from flows.remote.start import Wanted

    console = _console(as_json)
    given = {**split(param or []), **named(migration, target, folder)}
    wanted = Wanted(deployment, given, tag or [], idempotency_key)
    result = run_remotely(console, wanted, Following(watch, timeout, pickup))
    if as_json:
        print_json(result.as_json())
    else:
        show_result(console, result)
    return result.exit_code


@app.command
def automations(
    *,
    notify: str = "",
    heartbeat_seconds: Annotated[
        int, Parameter(validator=cyclopts.validators.Number(gte=30))
    ] = 180,
) -> int:
    """Create, or update, the automations that go with prefect.yaml.

    A run whose heartbeat is lost is marked as crashed, so that recover-migrations is
    run; with --notify somebody is told, once and with the reason, of what ends badly,
    of what Prefect says has crashed or failed, of drift, and of what waits for an
    approval. Safe to run again.

    Args:
        notify: A notification block of your Prefect server, as type/name: one that
            `prefect block ls` shows, such as slack-webhook/ops.
        heartbeat_seconds: PREFECT_FLOWS_HEARTBEAT_FREQUENCY of your workers; three lost
            heartbeats mean that a run is dead.
    """
    from flows.remote.automations import create_automations

    for line in create_automations(notify, heartbeat_seconds):
        say(_console(False), line)
    return 0


@app.command
def plan(
    migration: Version,
    *,
    target: TargetName = None,
    folder: Folder = DEFAULT_FOLDER,
    budget_ms: Budget = None,
    strategy: Strategy = "auto",
    as_json: AsJson = False,
) -> int:
    """Show what a migration will do, EXPLAIN for a migration. Nothing is run.

    Each step as it will run, its locks, what they keep waiting, and why this
    strategy. With a target the expected times are shown too.
    """
    from flows.database.planning import plan_for

    found = load_migration(Path(folder), migration)
    is_named = target or os.environ.get(URL_VARIABLE, "").strip()
    aim = find_target(target, os.environ) if is_named else None
    planned = plan_for(found, aim, Terms(budget_ms, strategy))
    if as_json:
        print_json(planned.model_dump(mode="json"))
    else:
        show_plan(_console(as_json), planned)
    return 0


@app.command
def status(
    *,
    target: TargetName = None,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> int:
    """Show each migration: pending, on hold and why, applied, accepted, rolled back."""
    from flows.database.status import read_status

    standings = read_status(find_target(target, os.environ), Path(folder))
    if as_json:
        print_json([standing.model_dump(mode="json") for standing in standings])
    else:
        show_status(_console(as_json), standings)
        if not standings:
            say(_console(as_json), f"{folder}: holds no migration")
    return 0


@app.command
def register(
    name: str | None = None, *, replace: Annotated[bool, Parameter(negative="")] = False
) -> int:
    """Make targets to be chosen from a list in the Prefect UI.

    Registers the block type PostgreSQL target on the server that PREFECT_API_URL
    names. With a NAME it saves a block of that name too, from DATABASE_URL and
    PGFLIGHT_…, or from DATABASE_URL_NAME and PGFLIGHT_NAME_… where those are set. What
    is saved can be read by whoever may use that server.

    Example: pgflight register staging

    Args:
        name: Name of the target to save.
        replace: Where there is a block of that name already.
    """
    prepare_prefect()
    from flows.target_block import register as register_block

    register_block(os.environ, name, replace)
    console = _console(False)
    say(console, "The block type PostgreSQL target is registered")
    if name:
        say(console, f"The target {name} is saved")
    return 0


@app.command
def demo(
    *,
    users: Annotated[
        int, Parameter(validator=cyclopts.validators.Number(gte=1))
    ] = 10_000,
    break_: Annotated[
        Literal["endpoint", "backfill", "functions"] | None, Parameter(name="--break")
    ] = None,
    ui: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Fly migration 008 on a PostgreSQL and an application of its own.

    Starts an embedded PostgreSQL 18 and a small web application on free loopback
    ports, deploys 007 (on hold) and 008, and stops everything again.

    Args:
        users: Rows in platform.users.
        break_: Show the automatic rollback: the application answers 500 after the
            migration (endpoint), or the migration is wrong (backfill, functions).
        ui: Fly nothing: start a Prefect server with its UI, a target and a worker, and
            stay until Ctrl-C, so that you fly it yourself.
    """
    from flows.demo.show import run_demo, run_ui

    if ui:
        run_ui(_console(False), users)
        return 0
    return run_demo(_console(False), users, break_)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: run one command and exit with its outcome's code."""
    install()
    outlive_readers()
    try:
        sys.exit(app(arguments, exit_on_error=False, result_action="return_value"))
    except cyclopts.CycloptsError:
        sys.exit(USAGE_ERROR)
    except PgflightError as error:
        say(_console(True), f"❌ {error}", "red")
        sys.exit(error.outcome.exit_code)
    except KeyboardInterrupt:
        say(_console(True), "Stopped.")
        sys.exit(STOPPED)


def _fly(action: str, run: Callable[[], Any], as_json: bool, file: Path | None) -> int:
    """Run a flow in this process, show it, and return its outcome's exit code."""
    console = _console(as_json)
    if file:
        # A run that is killed must not leave an earlier one's story as its own.
        file.unlink(missing_ok=True)
    try:
        report = run_here(console, run, partial(_write, file))
        code = report.exit_code
    except Interrupted as stop:
        report = stop.report
        code = code_of_stopped(report, action)
    if as_json:
        print_json(report_as_json(report))
    else:
        show_report(console, report)
    return code


def code_of_stopped(report: Report, action: str) -> int:
    """The outcome's own, where there is one: 130 says that nothing was begun.

    What was done in a part of the run is not yet all that was asked for.
    """
    is_part = report.action != action
    if report.outcome is Outcome.BLOCKED or (is_part and report.is_success):
        return STOPPED
    return report.exit_code


def _write(file: Path | None, report: Report) -> None:
    """It is written last, so what fails here changes nothing about the outcome."""
    try:
        if file:
            write_report(file, report)
    except OSError as error:
        text = f"❌ {file}: the report could not be written: {error.strerror}"
        say(_console(True), text, "red")


def _console(on_stderr: bool) -> Console:
    return Console(stderr=on_stderr, emoji=False)


if __name__ == "__main__":
    main()
