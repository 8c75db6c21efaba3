"""The gate between plan and apply: a person decides, and the ledger knows who.

Under a worker the run is suspended: its process ends, the claim is free, and once it is
resumed the flow begins anew, preflight first. On a terminal it is asked there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from http.client import NOT_FOUND
from typing import Any, Literal

from prefect.context import FlowRunContext
from prefect.exceptions import Pause, PrefectHTTPStatusError
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput, delete_flow_run_input

from flows.database.claim import current_claim
from flows.database.logbook import note
from flows.migration.approval import Answer, Gate, form_of, subject_of, target_of
from flows.migration.errors import Blocked, Declined
from flows.migration.flight import Flight
from flows.migration.plan import Plan
from flows.migration.redaction import masked_model
from flows.tasks.engine import is_away, run_log
from flows.tasks.publishing import key_of
from flows.tasks.step import changing_step

Ask = Callable[[Plan, str], Answer]
"""Puts the question to a person; takes the plan and the target's name."""

_ASK: ContextVar[Ask | None] = ContextVar("pgflight_ask", default=None)


@contextmanager
def asking(ask: Ask) -> Iterator[None]:
    """In this block somebody sits at the terminal, and is asked there."""
    token = _ASK.set(ask)
    try:
        yield
    finally:
        _ASK.reset(token)


def approval(
    flight: Flight, planned: Plan, gate: Gate, again: Callable[[], Flight]
) -> Plan:
    """Let nothing through that was not approved.

    To be called by the flow itself: Prefect suspends no tasks.

    Args:
        again: preflight, which is run once more after an answer at the terminal.

    Raises:
        Declined: somebody decided against it.
        Pause: Prefect's own; the run is suspended.
        Blocked: there is nobody to ask, Prefect refuses to suspend the run, or what
            was approved is not so any more.
    """
    if not gate.is_asked_for:
        return planned
    ask = _ASK.get()
    if ask:
        answer = _ask_here(flight, planned, ask, again)
    else:
        answer = _ask_by_prefect(flight, planned, gate)
    return approved(flight, planned, answer)


@changing_step("approval")
def approved(flight: Flight, planned: Plan, answer: Answer) -> Plan:
    """Note in the ledger who decided what, and when.

    Raises:
        Declined: somebody decided against it.
    """
    try:
        sentence = answer.settle(flight)
    except Declined as declined:
        flight.report.approval = declined.message
        note(flight, "declined", declined.message)
        raise
    flight.report.approval = sentence
    note(flight, "approved", sentence)
    run_log().info("✅ %s", sentence)
    return planned


def _ask_here(
    flight: Flight, planned: Plan, ask: Ask, again: Callable[[], Flight]
) -> Answer:
    """Nobody is kept waiting by a question: the claim is free meanwhile."""
    note(flight, "suspended", "waits for an approval on a terminal")
    current_claim().release()
    answer = ask(planned, target_of(flight))
    current_claim().renew()
    if answer.decision == "approve":
        now = again()
        is_same = now.found_as == flight.found_as and now.found_state == (
            flight.found_state
        )
        if not is_same or subject_of(now) != subject_of(flight):
            raise Blocked(
                "What was approved is not so any more: files, strategy or ledger have"
                " changed since; nothing was written",
                "Run again, and look at the plan once more.",
            )
    return answer


def _ask_by_prefect(flight: Flight, planned: Plan, gate: Gate) -> Answer:
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if is_away() or run is None or run.deployment_id is None:
        raise Blocked(
            "An approval is asked for, and there is nobody to ask: this run is of no"
            " deployment, and at no terminal",
            "Run the deployment: pgflight run, or Prefect's UI.",
        )
    form = _form(flight, planned)
    subject = subject_of(flight)
    for count in range(100):
        key = f"{subject}-{count}"
        # Some Retry buttons make the same key good again; no form is written twice.
        _forget(key, "schema", "description")
        try:
            given: Any = _suspend(flight, form, gate, key)
        except ValueError:
            # No answer is there any more: the run was retried after it was used.
            continue
        # An answer is good once: Retry would find it again, weeks later.
        _forget(key, "response")
        return Answer(**given.model_dump())
    raise Blocked("This run was approved too often; start another one")


def _suspend(flight: Flight, form: type[RunInput], gate: Gate, key: str) -> RunInput:
    until = datetime.now(UTC) + timedelta(minutes=gate.minutes)
    try:
        return suspend_flow_run(
            wait_for_input=form, timeout=max(1, round(gate.minutes * 60)), key=key
        )
    except Pause:
        # One that nobody has read, because its run died, would refuse the next one.
        _forget(key, "response")
        text = f"waits for an approval until {until:%Y-%m-%d %H:%M:%S %Z}"
        note(flight, "suspended", text)
        run_log().warning("⏸️  The run %s: Resume it to decide", text)
        raise
    except RuntimeError as refusal:
        # In Prefect's own words: its state was changed by somebody meanwhile.
        raise Blocked(
            f"The run could not be suspended for its approval: {refusal}",
            "Start another run; from a flow of your own by run_deployment(...,"
            " as_subflow=False): Prefect suspends no subflows.",
        ) from None


def _forget(key: str, *parts: Literal["schema", "description", "response"]) -> None:
    """Have Prefect forget what it keeps of a question, as far as it does."""
    for part in parts:
        try:
            delete_flow_run_input(f"suspended-{key}-{part}")
        except PrefectHTTPStatusError as error:
            if error.response.status_code != NOT_FOUND:
                raise


def _form(flight: Flight, planned: Plan) -> type[RunInput]:
    form = RunInput.subclass_from_base_model_type(form_of(flight))
    plan = masked_model(planned).in_short()
    where = key_of("plan", flight.report)
    who = f"{target_of(flight)}**, as {flight.identity.role}"
    return form.with_initial_data(
        description=f"Deploy to **{who}?\n\n{plan}\n"
        f"Each step and its SQL: artifact `{where}` of this run."
    )
