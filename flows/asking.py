"""Asking a person at the terminal: the same form that Prefect's UI shows."""

import sys
from collections.abc import Callable
from typing import get_args

from pydantic import ValidationError
from rich.console import Console

from flows.migration.approval import Answer, Decision
from flows.migration.errors import BadInput, Declined
from flows.migration.plan import Plan
from flows.terminal import say, show_plan


def asker(console: Console) -> Callable[[Plan, str], Answer]:
    """A function that shows a plan and asks for a decision.

    Raises:
        BadInput: nobody sits there.
    """
    if not sys.stdin.isatty():
        raise BadInput(
            "--approval asks on a terminal, and standard input is none",
            "In CI, run the deployment: pgflight run 008 --param approval=true; the"
            " plan is then approved in Prefect's UI.",
        )

    def ask(plan: Plan, target: str) -> Answer:
        console.print()
        show_plan(console, plan)
        while True:
            try:
                return _answer(console, target)
            except ValidationError:
                say(console, "Please say who you are.")

    return ask


def _answer(console: Console, target: str) -> Answer:
    decision = _prompt(console, f"Deploy to {target}? approve or decline:")
    while decision not in get_args(Decision):
        decision = _prompt(console, "approve or decline:")
    given = {"decision": decision, "target": target}
    given["approver"] = _prompt(console, "Your name:")
    if decision == "approve":
        given["target"] = _prompt(console, "The target's name, typed again:")
    else:
        given["reason"] = _prompt(console, "Why not (may be empty):")
    return Answer.model_validate(given)


def _prompt(console: Console, text: str) -> str:
    say(console, text)
    line = sys.stdin.readline()
    if not line:
        raise Declined("The terminal was closed before an answer; nothing was written")
    return line.strip()
