"""CREATE TABLE and ALTER TABLE in a script: columns, constraints, security."""

from collections.abc import Callable

from postgast import pg_query_pb2 as pb

from flows.migration.expectation import (
    Action,
    ColumnExpectation,
    ForeignKeyExpectation,
    ObjectExpectation,
)
from flows.migration.foreseen import ForeignKey, Foreseen
from flows.migration.names import identifier, relation, type_text

_SERIAL = {
    "serial": "int",
    "serial4": "int",
    "bigserial": "bigint",
    "serial8": "bigint",
    "smallserial": "smallint",
    "serial2": "smallint",
}
_TABLES = {pb.OBJECT_TABLE, pb.OBJECT_FOREIGN_TABLE}
_NOT_NULL = {pb.CONSTR_NOTNULL, pb.CONSTR_PRIMARY, pb.CONSTR_IDENTITY}
_ACTIONS: dict[str, Action] = {
    "a": "NO ACTION",
    "r": "RESTRICT",
    "c": "CASCADE",
    "n": "SET NULL",
    "d": "SET DEFAULT",
}


def create_table(foreseen: Foreseen, node: pb.CreateStmt) -> None:
    table = relation(node.relation)
    if node.relation.relpersistence == "t":
        foreseen.temporary.add(table)
    if foreseen.is_temporary(table):
        return
    if node.if_not_exists and foreseen.has_table(table):
        return
    foreseen.forget_relation(table)
    foreseen.put(ObjectExpectation(kind="table", name=table))
    for item in node.table_elts:
        if item.HasField("column_def"):
            _add_column(foreseen, table, item.column_def)
    for item in node.table_elts:
        if item.HasField("constraint"):
            _add_constraint(foreseen, table, item.constraint)


def create_foreign_table(foreseen: Foreseen, node: pb.CreateForeignTableStmt) -> None:
    create_table(foreseen, node.base_stmt)


def alter_table(foreseen: Foreseen, node: pb.AlterTableStmt) -> None:
    table = relation(node.relation)
    if node.objtype not in _TABLES or foreseen.is_temporary(table):
        return
    foreseen.forget_other_spellings(table)
    # IF EXISTS of the table: it may not be there, and then nothing else is.
    if node.missing_ok and not foreseen.has_table(table):
        foreseen.forget_relation(table)
        return
    for item in node.cmds:
        reader = _ALTERS.get(item.alter_table_cmd.subtype)
        if reader:
            reader(foreseen, table, item.alter_table_cmd)


def _add_column(foreseen: Foreseen, table: str, node: pb.ColumnDef) -> None:
    # A partition's column options come without a type.
    if not node.HasField("type_name"):
        return
    foreseen.forget_column(table, node.colname)
    type_, is_serial = _column_type(node.type_name)
    constraints = [item.constraint for item in node.constraints]
    foreseen.columns[table, node.colname] = ColumnExpectation(
        table=table,
        name=node.colname,
        type=type_,
        nullable=not is_serial
        and not any(constraint.contype in _NOT_NULL for constraint in constraints),
    )
    for constraint in constraints:
        if constraint.contype == pb.CONSTR_FOREIGN:
            _add_foreign_key(foreseen, table, constraint, (node.colname,))


def _column_type(node: pb.TypeName) -> tuple[str, bool]:
    """The type, and whether it was one of the serial types."""
    name = node.names[-1].string.sval
    is_serial = name in _SERIAL and len(node.names) == 1
    return (_SERIAL[name], True) if is_serial else (type_text(node), False)


def _add_constraint(foreseen: Foreseen, table: str, node: pb.Constraint) -> None:
    if node.contype == pb.CONSTR_FOREIGN:
        columns = tuple(item.string.sval for item in node.fk_attrs)
        _add_foreign_key(foreseen, table, node, columns)
    elif node.indexname:
        _adopt_index(foreseen, table, node.indexname)
    elif node.contype in _NOT_NULL:
        for key in node.keys:
            _set_nullable(foreseen, table, key.string.sval, False)
    if node.conname:
        constraint = ObjectExpectation(
            kind="constraint", name=node.conname, table=table
        )
        foreseen.put(constraint)


def _adopt_index(foreseen: Foreseen, table: str, index: str) -> None:
    """USING INDEX renames the index; for a primary key its columns become NOT NULL."""
    foreseen.forget_relation(identifier(index))
    for known, column in list(foreseen.columns):
        if known == table:
            foreseen.only_that_column_exists(table, column)


def _add_foreign_key(
    foreseen: Foreseen, table: str, node: pb.Constraint, columns: tuple[str, ...]
) -> None:
    if not node.is_enforced:
        return
    expectation = ForeignKeyExpectation(
        table=table,
        columns=columns,
        references=relation(node.pktable),
        referenced_columns=tuple(item.string.sval for item in node.pk_attrs),
        on_delete=_ACTIONS[node.fk_del_action],
        on_update=_ACTIONS[node.fk_upd_action],
    )
    key = ForeignKey(expectation, node.conname, not node.skip_validation)
    foreseen.foreign_keys.append(key)


def _set_nullable(foreseen: Foreseen, table: str, column: str, nullable: bool) -> None:
    known = foreseen.columns.get((table, column))
    if known:
        changed = known.model_copy(update={"nullable": nullable})
        foreseen.columns[table, column] = changed


def _alter_add_column(foreseen: Foreseen, table: str, node: pb.AlterTableCmd) -> None:
    column = getattr(node, "def").column_def
    if node.missing_ok and (table, column.colname) in foreseen.columns:
        return
    _add_column(foreseen, table, column)


def _alter_drop_column(foreseen: Foreseen, table: str, node: pb.AlterTableCmd) -> None:
    if node.behavior == pb.DROP_CASCADE:
        foreseen.forget_present()
    foreseen.forget_dependents(table)
    foreseen.forget_column(table, node.name)
    column = ObjectExpectation(
        kind="column", name=node.name, table=table, present=False
    )
    foreseen.put(column)


def _alter_type(foreseen: Foreseen, table: str, node: pb.AlterTableCmd) -> None:
    known = foreseen.columns.get((table, node.name))
    if known:
        new = type_text(getattr(node, "def").column_def.type_name)
        changed = known.model_copy(update={"type": new})
        foreseen.columns[table, node.name] = changed


def _alter_set_not_null(foreseen: Foreseen, table: str, node: pb.AlterTableCmd) -> None:
    _set_nullable(foreseen, table, node.name, False)


def _alter_drop_not_null(
    foreseen: Foreseen, table: str, node: pb.AlterTableCmd
) -> None:
    _set_nullable(foreseen, table, node.name, True)


def _alter_add_constraint(
    foreseen: Foreseen, table: str, node: pb.AlterTableCmd
) -> None:
    _add_constraint(foreseen, table, getattr(node, "def").constraint)


def _alter_validate(foreseen: Foreseen, table: str, node: pb.AlterTableCmd) -> None:
    for key in foreseen.foreign_keys:
        if key.expectation.table == table and key.name == node.name:
            key.is_validated = True


def _alter_drop_constraint(
    foreseen: Foreseen, table: str, node: pb.AlterTableCmd
) -> None:
    """The name may be that of any constraint whose name the server chose."""
    if node.behavior == pb.DROP_CASCADE:
        foreseen.forget_present()
    foreseen.foreign_keys = [
        key
        for key in foreseen.foreign_keys
        if key.expectation.table != table or key.name not in ("", node.name)
    ]
    for (known, column), expectation in list(foreseen.columns.items()):
        if known == table and not expectation.nullable:
            foreseen.only_that_column_exists(table, column)
    constraint = ObjectExpectation(
        kind="constraint", name=node.name, table=table, present=False
    )
    foreseen.put(constraint)


def _alter_enable_security(
    foreseen: Foreseen, table: str, node: pb.AlterTableCmd
) -> None:
    foreseen.put(ObjectExpectation(kind="row level security", name=table))


def _alter_disable_security(
    foreseen: Foreseen, table: str, node: pb.AlterTableCmd
) -> None:
    security = ObjectExpectation(kind="row level security", name=table, present=False)
    foreseen.put(security)


_ALTERS: dict[pb.AlterTableType, Callable[[Foreseen, str, pb.AlterTableCmd], None]] = {
    pb.AT_AddColumn: _alter_add_column,
    pb.AT_AddConstraint: _alter_add_constraint,
    pb.AT_AlterColumnType: _alter_type,
    pb.AT_DisableRowSecurity: _alter_disable_security,
    pb.AT_DropColumn: _alter_drop_column,
    pb.AT_DropConstraint: _alter_drop_constraint,
    pb.AT_DropNotNull: _alter_drop_not_null,
    pb.AT_EnableRowSecurity: _alter_enable_security,
    pb.AT_SetNotNull: _alter_set_not_null,
    pb.AT_ValidateConstraint: _alter_validate,
}
