"""A command as it is to be typed."""

from flows.migration.command import command


def test_target_is_named() -> None:
    assert command("rollback", "008", "prod") == "pgflight rollback 008 --target prod"


def test_environments_own_target_has_no_name() -> None:
    assert command("recover") == "pgflight recover"


def test_mistyped_version_stays_one_word() -> None:
    assert command("deploy", "8; rm -rf x") == "pgflight deploy '8; rm -rf x'"
