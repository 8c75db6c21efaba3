"""The rules that the modules of flows/ keep, each a function from module to faults."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]

DOMAIN = {"pydantic", "postgast", "google.protobuf", "flows.migration"}
FLOW = {
    "prefect",
    "flows.border",
    "flows.tasks",
    "flows.migration",
    "flows.targets",
}
TASK = {
    "prefect",
    "flows.border",
    "flows.tasks",
    "flows.migration",
    "flows.database",
    "flows.smoke",
    "flows.resources",
    "flows.targets",
}
SURFACE = {
    "flows.cli",
    "flows.arguments",
    "flows.by_hand",
    "flows.terminal",
    "flows.asking",
    "flows.here",
    "flows.lasting",
    "flows.remote",
    "flows.report_file",
    "flows.demo",
}
"""What speaks to a person: it may import anything, and nothing else imports it."""

_COMMAND = re.compile(
    r"pgflight (deploy|rollback|recover|restore|status|verify|plan)\b"
)

NO_PACKAGE_OF_PREFECT = ("prefect.transactions", "prefect.concurrency")
NEVER_OF_PREFECT = {
    "on_rollback",
    "on_commit",
    "on_cancellation",
    "on_crashed",
    "on_failure",
    "on_completion",
    "on_running",
    "timeout_seconds",
}
ONLY_OF_STEPS = {"retries", "submit"}
"""What flows/tasks/step.py gives to those steps alone that only read."""

MAY_IMPORT = {
    "flows.resources": set[str](),
    "flows.workplace": set[str](),
    "flows.border": {"flows.migration"},
    "flows.migration": DOMAIN,
    "flows.database": {
        "psycopg",
        "flows.database",
        "flows.migration",
        "flows.resources",
    },
    "flows.smoke": {"httpx", "flows.migration"},
    "flows.targets": {"flows.migration", "flows.target_block"},
    "flows.api_trouble": {"prefect", "httpx", "flows.migration"},
    "flows.target_block": {
        "prefect",
        "pydantic",
        "flows.api_trouble",
        "flows.migration",
    },
    "flows.tasks": TASK,
    "flows.rollback": FLOW,
    "flows.restore": FLOW,
    "flows.verify": FLOW,
    "flows.deploy": FLOW | {"flows.rollback", "flows.verify"},
    "flows.recover": FLOW | {"flows.deploy"},
}
"""The layers, by the longest name that fits; the standard library is free to all."""


@dataclass(frozen=True)
class Module:
    """A module of flows/, parsed.

    Attributes:
        name: with its packages, such as flows.database.ledger.
    """

    name: str
    tree: ast.Module

    def is_below(self, *packages: str) -> bool:
        return any(_is_below(self.name, package) for package in packages)

    @property
    def imports(self) -> Iterator[str]:
        """Full names; ``from a import b`` counts as a and as a.b."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


Faults = Iterator[str]
Rule = Callable[[Module], Faults]


def modules() -> list[Module]:
    """All modules of flows/."""
    return [
        Module(_name_of(path), ast.parse(path.read_bytes()))
        for path in sorted((CHECKOUT / "flows").rglob("*.py"))
    ]


def imports_only_lower_layers(module: Module) -> Faults:
    if module.is_below(*SURFACE):
        return
    layer = max((n for n in MAY_IMPORT if module.is_below(n)), key=len, default="")
    allowed = MAY_IMPORT.get(layer, set())
    for name in module.imports:
        is_standard = name.split(".")[0] in sys.stdlib_module_names
        if not is_standard and not any(_is_below(name, other) for other in allowed):
            yield f"imports {name}"


def imports_psycopg_only_where_it_speaks_sql(module: Module) -> Faults:
    if not module.is_below("flows.database", "flows.demo"):
        yield from (f"imports {n}" for n in module.imports if _is_below(n, "psycopg"))


def imports_absolutely(module: Module) -> Faults:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"line {node.lineno}: a relative import"


def has_no_class_beside_a_flow(module: Module) -> Faults:
    """Prefect may load a flow's file twice, under two names."""
    functions = [n for n in ast.walk(module.tree) if isinstance(n, ast.FunctionDef)]
    if any(_is_flow(decorator) for f in functions for decorator in f.decorator_list):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                yield f"line {node.lineno}: class {node.name} beside a flow"


def has_a_name_of_its_own(module: Module) -> Faults:
    """Prefect puts a flow's folder on the path: a namesake would hide the real one."""
    if module.name.split(".")[-1] in sys.stdlib_module_names:
        yield "is named like a module of the standard library"


def has_a_docstring(module: Module) -> Faults:
    if not ast.get_docstring(module.tree):
        yield "has no docstring"


def prints_only_to_a_person(module: Module) -> Faults:
    """Under a worker that was killed, print() ends the flow that calls it."""
    for call in _calls(module):
        is_print = isinstance(call.func, ast.Name) and call.func.id == "print"
        if is_print and not module.is_below(*SURFACE):
            yield f"line {call.lineno}: print()"


def sends_no_sql_put_together_from_strings(module: Module) -> Faults:
    for call in _calls(module):
        is_sent = isinstance(call.func, ast.Attribute) and call.func.attr in (
            "execute",
            "executemany",
        )
        if is_sent and call.args and _is_put_together(call.args[0]):
            yield f"line {call.lineno}: SQL put together from strings"


def names_the_target_in_a_command(module: Module) -> Faults:
    """Typed as it is shown, a command without --target hits another database."""
    if module.is_below(*SURFACE, "flows.migration.command"):
        return
    told = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and not _is_docstring(module, node)
    ]
    for node in told:
        if isinstance(node.value, str) and _COMMAND.search(node.value):
            yield f"line {node.lineno}: a command that is not put together"


def uses_of_prefect_only_what_is_safe(module: Module) -> Faults:
    """Each of these loses work, or says what is not so (measured with Prefect 3.8.8).

    In transaction() a task that fails once, and goes well when it is tried again, has
    what went well before it undone, and the run ends COMPLETED. A flow's own retries
    would apply again, in the same run. After Cancel what was submitted runs on in its
    thread, and commits. A timeout leaves the backend at work, with its locks. A limit
    of Prefect's is a lease in its server's memory: once that is started anew the flow
    is killed in mid-apply. Hooks know nothing of the run, are lost without a word over
    the name of an argument, and are not called where the worker is gone.
    """
    for name in module.imports:
        if any(_is_below(name, package) for package in NO_PACKAGE_OF_PREFECT):
            yield f"imports {name}"
    never = NEVER_OF_PREFECT
    if not module.is_below("flows.tasks.step"):
        never = never | ONLY_OF_STEPS
    for node in ast.walk(module.tree):
        used = _name_used(node)
        if used in never:
            yield f"uses {used}"


RULES: tuple[Rule, ...] = (
    imports_only_lower_layers,
    imports_psycopg_only_where_it_speaks_sql,
    imports_absolutely,
    has_no_class_beside_a_flow,
    has_a_name_of_its_own,
    has_a_docstring,
    prints_only_to_a_person,
    sends_no_sql_put_together_from_strings,
    names_the_target_in_a_command,
    uses_of_prefect_only_what_is_safe,
)


def _name_of(path: Path) -> str:
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _is_docstring(module: Module, node: ast.Constant) -> bool:
    return any(
        isinstance(statement, ast.Expr) and statement.value is node
        for statement in ast.walk(module.tree)
    )


def _is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _is_flow(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called).split(".")[-1] in ("flow", "migration_flow")


def _name_used(node: ast.AST) -> str | None:
    """Of an argument that is given by its name, or of what is asked of an object."""
    if isinstance(node, ast.keyword):
        return node.arg
    return node.attr if isinstance(node, ast.Attribute) else None


def _calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def _is_put_together(argument: ast.expr) -> bool:
    """Whether the argument is an f-string, a sum, a % or .format() of strings.

    psycopg.sql's own .format() is how identifiers are put in: it is called on
    something else than a plain string.
    """
    if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute):
        of = argument.func.value
        is_format = argument.func.attr in ("format", "join", "format_map")
        return is_format and isinstance(of, ast.Constant | ast.JoinedStr)
    return isinstance(argument, ast.JoinedStr | ast.BinOp)
