"""Which functions give the same answer each time: those known, and no others."""

from collections.abc import Iterator

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

# STABLE in pg_proc: fixed within a transaction, so they differ between batches.
_CLOCKS = frozenset(
    {"age", "current_setting", "now", "statement_timestamp", "transaction_timestamp"}
)

# Each call gives another value, and does nothing but that.
GENERATORS = frozenset(
    {"clock_timestamp", "gen_random_uuid", "nextval", "random", "uuidv4", "uuidv7"}
)

AGGREGATES = frozenset(
    {"array_agg", "avg", "bit_and", "bit_or", "bool_and", "bool_or", "count", "every"}
    | {"json_agg", "json_object_agg", "jsonb_agg", "jsonb_object_agg", "max", "min"}
    | {"percentile_cont", "percentile_disc", "mode", "stddev", "string_agg", "sum"}
    | {"variance", "xmlagg"}
)

# IMMUTABLE in pg_proc, or STABLE by a session's settings only (time zone, locale).
_FIXED = frozenset(
    {"abs", "array_append", "array_length", "array_position", "array_prepend"}
    | {"array_remove", "array_to_string", "btrim", "cardinality", "ceil", "ceiling"}
    | {"char_length", "character_length", "concat", "concat_ws", "date_part"}
    | {"date_trunc", "decode", "div", "encode", "exp", "extract", "floor", "format"}
    | {"initcap", "json_build_array", "json_build_object", "json_extract_path_text"}
    | {"jsonb_build_array", "jsonb_build_object", "jsonb_extract_path"}
    | {"jsonb_extract_path_text", "jsonb_set", "jsonb_strip_nulls", "left", "length"}
    | {"like_escape", "ln", "lower", "lpad", "ltrim", "make_date", "make_interval"}
    | {"make_timestamp", "make_timestamptz", "md5", "mod", "normalize", "octet_length"}
    | {"overlay", "position", "power", "quote_ident", "quote_literal", "regexp_match"}
    | {"regexp_replace", "repeat", "replace", "reverse", "right", "round", "rpad"}
    | {"rtrim", "sha224", "sha256", "sha384", "sha512", "sign", "split_part", "sqrt"}
    | {"starts_with", "string_to_array", "strpos", "substr", "substring", "timezone"}
    | {"to_char", "to_date", "to_hex", "to_json", "to_jsonb", "to_number"}
    | {"to_timestamp", "translate", "trim", "trunc", "unistr", "upper"}
)


def unknown_functions(node: Message) -> list[str]:
    """Names of functions that may be volatile, or do anything else."""
    known = _CLOCKS | _FIXED | AGGREGATES
    return [name for name in _called(node) if name not in known]


def generates(node: Message) -> bool:
    """Whether an expression gives another value each time."""
    return any(name in GENERATORS for name in _called(node))


def varies(node: Message) -> bool:
    """Whether an expression may differ from one transaction to the next."""
    return any(name in _CLOCKS | GENERATORS for name in _called(node)) or any(
        isinstance(part, pb.SQLValueFunction) for _, part in postgast.walk(node)
    )


def aggregates(node: Message) -> bool:
    """Whether it calls an aggregate, at any depth."""
    return any(name in AGGREGATES for name in _called(node))


def has_window(node: Message) -> bool:
    """Whether it calls a window function, at any depth."""
    return any(
        isinstance(part, pb.FuncCall) and part.HasField("over")
        for _, part in postgast.walk(node)
    )


def _called(node: Message) -> Iterator[str]:
    """Unqualified names of pg_catalog's, as they are; others with their schema."""
    for _, part in postgast.walk(node):
        if isinstance(part, pb.FuncCall):
            names = [name.string.sval for name in part.funcname]
            yield ".".join(names[1:] if names[0] == "pg_catalog" else names)
