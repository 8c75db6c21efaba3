"""Asking a person at the terminal: the same form that Prefect's UI shows."""

import sys
from collections.abc import Callable

from pydantic import ValidationError
from rich.console import Console

from flows.migration.approval import Answer
from flows.migration.errors import BadInput
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
                say(console, "Please answer approve or decline, and who you are.")

    return ask


def _answer(console: Console, target: str) -> Answer:
    def prompt(text: str) -> str:
        say(console, text)
        return sys.stdin.readline().strip()

    decision = prompt(f"Deploy to {target}? approve or decline:")
    approver = prompt("Your name:")
    is_approved = decision == "approve"
    typed = prompt("The target's name, typed again:") if is_approved else target
    reason = "" if is_approved else prompt("Why not (may be empty):")
    return Answer.model_validate(
        {
            "decision": decision,
            "approver": approver,
            "target": typed,
            "reason": reason,
        }
    )
