"""Markdown: what comes from outside stays text, in whatever way it is read."""

import pytest
from markdown_it import MarkdownIt

from flows.migration.markdown import block, code, lines, table, text

HOSTILE = [
    "a|b",
    r"a\|b",
    r"a\\|b",
    "|||",
    "a`b",
    "``",
    "` `",
    "```\n# not a heading",
    "x\n\n# not a heading",
    "x\r| a | b |\r|---|---|",
    "x\u2028# y",
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "</td></tr></table>",
    "<!-- ",
    "[a](https://evil.example)",
    "![a](https://evil.example/x.png)",
    "[a]: https://evil.example",
    "https://evil.example",
    "www.evil.example",
    "mail@evil.example",
    "**bold** _it_ ~~no~~",
    "\\",
    "- a",
    "&lt;b&gt;",
    "\x00\x1b[31m",
    "\u202eabc",
    "~~~",
    "",
    " ",
]
HARMLESS = {"p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "br"}


def tags(markdown: str) -> set[str]:
    """What a renderer makes of it; HTML is let through, and links are looked for."""
    reader = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    found = set()
    for token in reader.parse(markdown):
        for part in [token, *(token.children or [])]:
            is_break = part.type == "html_inline" and part.content == "<br>"
            found.add("br" if is_break else part.tag or part.type)
    return found - {"text", "inline", "softbreak", "text_special"}


def cells(markdown: list[str]) -> list[str]:
    """The inline content of a rendered table's cells."""
    reader = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    return [t.content for t in reader.parse("\n".join(markdown)) if t.type == "inline"]


@pytest.mark.parametrize("outside", HOSTILE)
def test_text_has_no_markup(outside: str) -> None:
    assert tags(f"x {text(outside)} y") == {"p"}


@pytest.mark.parametrize("outside", HOSTILE)
def test_code_stays_code(outside: str) -> None:
    (_, inline, _) = MarkdownIt().parse(f"x {code(outside)} y")
    parts = [part.type for part in inline.children or []]
    assert parts == (["text", "code_inline", "text"] if code(outside) else ["text"])


@pytest.mark.parametrize("outside", HOSTILE)
def test_block_ends_where_it_ends(outside: str) -> None:
    reader = MarkdownIt("commonmark")
    found = reader.parse("\n".join([*block(outside), "", "after"]))
    assert [token.type for token in found] == [
        "fence",
        "paragraph_open",
        "inline",
        "paragraph_close",
    ]


@pytest.mark.parametrize("outside", HOSTILE)
@pytest.mark.parametrize("write", [text, lines, code])
def test_cell_is_one_cell(outside: str, write: type[str]) -> None:
    row = ["first", write(outside), "last"]
    found = table(["a", "b", "c"], [row])
    assert tags("\n".join(found)) <= HARMLESS
    assert cells(found)[3::2] == ["first", "last"]


@pytest.mark.parametrize("outside", ["http://e.example", "WWW.e.example", "a@e.exam"])
def test_text_is_no_link_for_who_makes_links_of_text(outside: str) -> None:
    """GitHub and Prefect make links of what looks like one."""
    said = text(outside)
    assert "://" not in said
    assert "www." not in said.lower()
    assert "@" not in said


def test_names_stay_readable() -> None:
    assert code("platform.users") == "`platform.users`"
    assert text("Column created: 450 rows.") == "Column created: 450 rows."


def test_lines_of_a_cell_are_kept_apart() -> None:
    assert lines("a\n\nb|c") == r"a<br>b\|c"


def test_table_without_rows_is_nothing() -> None:
    assert table(["a"], []) == []
