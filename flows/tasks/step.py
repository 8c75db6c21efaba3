"""A step: a Prefect task whose expected failures show as a sentence, no traceback."""

import random
import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture, wait
from prefect.states import Failed
from prefect.tasks import exponential_backoff

from flows.border import masking_errors
from flows.database.crowd import crowd
from flows.migration.errors import (
    ConnectionFailed,
    ConnectionRefused,
    NotCleared,
    PgflightError,
)
from flows.tasks.drawing import after_arguments, forget_parts, hand_on, unseen
from flows.tasks.engine import is_away, run_log

Params = ParamSpec("Params")
Result = TypeVar("Result")

RETRIES = 4
"""With pauses of about 0.5, 1, 2 and 4 s: a restart of the server is survived."""


class Step(Generic[Params, Result]):
    """A task that can also be called without Prefect, as ``plain``.

    Nothing is persisted, and so nothing is cached: what a step returned yesterday says
    nothing about the database today, and Prefect's Retry button would skip it.
    """

    def __init__(
        self, name: str, plain: Callable[Params, Result], retries: int
    ) -> None:
        self.plain = masking_errors(plain)
        self._retries = retries
        self._task: Task[..., Any] = Task(
            fn=_with_failures_as_states(self.plain),
            name=name,
            task_run_name=name,
            retries=retries,
            retry_delay_seconds=exponential_backoff(0.5) if retries else 0,
            retry_jitter_factor=0.5 if retries else None,
            retry_condition_fn=_is_connection_error if retries else None,
            persist_result=False,
        )

    def __call__(self, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        """Run it in this thread, where a cancellation interrupts it at once."""
        if is_away():
            return self._alone(*args, **kwargs)
        made: Any = self._task(*unseen(args), **kwargs, wait_for=after_arguments(args))
        # A task that returns a state, as one that fails does, is given back as that.
        if isinstance(made, State):
            error: Any = made.result(raise_on_failure=False)
            hand_on(error, made)
            raise error
        forget_parts(made)
        result: Result = made
        return result

    def _alone(self, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        """Without Prefect, tried again as Prefect would."""
        for attempt in range(self._retries):
            try:
                return self.plain(*args, **kwargs)
            except ConnectionRefused:
                raise
            except ConnectionFailed as error:
                run_log().warning("%s; once more", error)
                time.sleep(0.5 * 2**attempt * random.uniform(1, 1.5))
        return self.plain(*args, **kwargs)


class ReadingStep(Step[Params, Result]):
    """A step that changes nothing, and so may be left to a thread of its own."""

    def submit(self, *args: Params.args, **kwargs: Params.kwargs) -> PrefectFuture[Any]:
        """Run it beside others; nothing can cancel it there."""
        after = after_arguments(args)
        return self._task.submit(*unseen(args), **kwargs, wait_for=after)


def beside(
    steps: Sequence[ReadingStep[Params, Result]],
    *args: Params.args,
    **kwargs: Params.kwargs,
) -> list[Result]:
    """Run several steps beside each other, and wait for all of them."""
    if is_away():
        return [step(*args, **kwargs) for step in steps]
    with crowd():
        futures = [step.submit(*args, **kwargs) for step in steps]
        wait(futures)
    return [future.result() for future in futures]


def reading_step(
    name: str,
) -> Callable[[Callable[Params, Result]], ReadingStep[Params, Result]]:
    """A step that only asks: tried again on connection errors, and on those only."""
    return lambda plain: ReadingStep(name, plain, RETRIES)


def changing_step(
    name: str,
) -> Callable[[Callable[Params, Result]], Step[Params, Result]]:
    """A step that changes the database: it decides itself what is safe to repeat."""
    return lambda plain: Step(name, plain, 0)


def _with_failures_as_states(plain: Callable[Params, Result]) -> Callable[Params, Any]:
    @wraps(plain)
    def run(*args: Params.args, **kwargs: Params.kwargs) -> Any:
        try:
            return plain(*args, **kwargs)
        except PgflightError as error:
            # Preflight has shown its findings one by one.
            if not isinstance(error, NotCleared):
                run_log().error("❌ %s", error)
            return Failed(message=str(error), data=error)
        except Exception:
            # Prefect drops the traceback where its retry condition says no.
            run_log().exception("A mistake in pgflight itself:")
            raise

    return run


# Prefect takes a plain function only: anything else would never retry.
def _is_connection_error(
    task: Task[..., Any], task_run: TaskRun, state: State[Any]
) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, ConnectionFailed) and not isinstance(
        error, ConnectionRefused
    )
