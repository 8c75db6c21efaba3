"""Asking whether something exists, and removing it."""

from postgast import pg_query_pb2 as pb

from flows.migration.online.made import (
    made_column,
    made_constraint,
    made_named,
    made_not_null,
    made_relation,
)

TABLE = pb.RangeVar(schemaname="s", relname="it's", inh=True, relpersistence="p")


def test_names_are_quoted_for_what_reads_them() -> None:
    exists = made_relation(pb.OBJECT_TABLE, TABLE, True).exists
    assert exists == """SELECT pg_catalog.to_regclass('s."it''s"') IS NOT NULL"""


def test_extension_is_asked_for_by_its_bare_name() -> None:
    made = made_named(pb.OBJECT_EXTENSION, "uuid-ossp", True)
    assert (made.name, "'uuid-ossp'" in made.exists) == ('"uuid-ossp"', True)


def test_parts_of_one_name_are_told_apart() -> None:
    names = {
        made_column(TABLE, "c", True).name,
        made_not_null(TABLE, "c").name,
        made_constraint(TABLE, "c", True).name,
    }
    assert len(names) == 3


def test_undo_does_nothing_where_the_table_is_gone() -> None:
    assert made_column(TABLE, "c", True).undo == (
        'ALTER TABLE IF EXISTS s."it\'s" DROP IF EXISTS c'
    )
