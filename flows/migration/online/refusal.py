"""Why a script cannot be flown online, in words."""

from flows.migration.online.refused import NotOnline
from flows.migration.online.rewrite import plan_online
from flows.migration.script import Script


def refusal_of(up: Script) -> str:
    """Each statement that is in the way, with the reason and what to write instead;
    empty when there is none."""
    try:
        plan_online(up)
    except NotOnline as error:
        return str(error)
    return ""
