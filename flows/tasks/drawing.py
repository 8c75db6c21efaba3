"""How a run is drawn: each step after whichever step handed its value on to it.

Prefect joins a task to all that made its arguments, and to what made the things that
those hold. A flight is filled in by every step, and would join each step to each. So
Prefect is not shown the arguments, and is told what the step comes after.
"""

from collections.abc import Iterator
from typing import Any

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.utilities.annotations import opaque, quote
from prefect.utilities.engine import (
    get_state_for_result,
    link_state_to_task_run_result,
)


def after(*values: Any) -> list[opaque]:
    """For Prefect's ``wait_for``: the first of these that is from a step of this run.

    A list of what several steps have made comes after all of them.
    """
    for value in values:
        made = list(_made_by_a_step(value))
        if made:
            return [opaque(part) for part in made]
    return []


def after_arguments(arguments: tuple[Any, ...]) -> list[opaque]:
    """What a step takes is the flight, and then what the step before it hands on."""
    return after(*arguments[1:2], *arguments[:1])


def unseen(arguments: tuple[Any, ...]) -> list[quote]:
    """The arguments, given to the task as they are, and not looked into by Prefect."""
    return [quote(argument) for argument in arguments]


def forget_parts(result: Any) -> None:
    """Have Prefect forget what a result holds, such as a version or a number.

    It remembers those too, by their place in memory: whoever is given the version
    would be drawn after the plan, because that has it as well.
    """
    context = FlowRunContext.get()
    if context and hasattr(result, "__dict__"):
        for part in vars(result).values():
            context.run_results.pop(id(part), None)


def hand_on(error: Exception, state: State[Any]) -> None:
    """What a failed step hands on is its error: a rollback hangs there."""
    link_state_to_task_run_result(state, error)


def _made_by_a_step(value: Any) -> Iterator[Any]:
    if get_state_for_result(value):
        yield value
    elif isinstance(value, list):
        yield from (part for part in value if get_state_for_result(part))
