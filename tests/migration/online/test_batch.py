"""Templates for psycopg."""

from flows.migration.online.batch import in_range, template
from flows.migration.online.trees import all_of, parsed


def batched(text: str) -> str:
    tree = parsed(text)
    tree.where_clause.CopyFrom(all_of([tree.where_clause, *in_range("t")]))
    return template(tree)


def test_template_doubles_percent_signs() -> None:
    assert "'é 100%%' || (c %% 2)" in batched(
        "UPDATE t SET c = 'é 100%' || c % 2 WHERE a"
    )


def test_template_leaves_texts_like_parameters_alone() -> None:
    assert "'$1 %%(low)s'" in batched("UPDATE t SET c = '$1 %(low)s' WHERE a")


def test_template_is_formatted_as_psycopg_does() -> None:
    values = {"low": "(0,0)", "high": "(9,0)"}
    text = batched("UPDATE t SET c = '%s' WHERE a LIKE '%'") % values
    assert text.startswith("UPDATE t SET c = '%s' WHERE a LIKE '%' AND")


def test_range_excludes_its_end() -> None:
    assert batched("UPDATE t SET c = 1 WHERE a").endswith(
        "t.ctid >= %(low)s::tid AND t.ctid < %(high)s::tid"
    )
