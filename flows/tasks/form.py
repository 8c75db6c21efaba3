"""A flow as Prefect's form shows it: its target is chosen from a list of blocks."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Flow

from flows.migration.parameters import reference_in

Params = ParamSpec("Params")
Result = TypeVar("Result")


class MigrationFlow(Flow[Params, Result]):
    """A flow that finds its target itself, at its first step.

    Prefect would load the block before the flow begins. One that is gone, or wrong,
    would then end the run with an error of Prefect's that lists no way out, and its
    secrets would be among the run's parameters from then on.
    """

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        unread = {name: reference_in(value) for name, value in parameters.items()}
        return super().validate_parameters(unread)


def migration_flow(
    name: str, run_name: str | Callable[[], str]
) -> Callable[[Callable[Params, Result]], MigrationFlow[Params, Result]]:
    """A flow whose results are never persisted: Prefect's Retry would skip its steps.

    Args:
        run_name: with parameters of the flow in braces, or what makes it.
    """

    def made(plain: Callable[Params, Result]) -> MigrationFlow[Params, Result]:
        return MigrationFlow(
            plain, name=name, flow_run_name=run_name, persist_result=False
        )

    return made
