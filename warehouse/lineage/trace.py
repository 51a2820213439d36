"""Which rows of `core` one cell of a mart rests on: the models' queries followed backwards, step by step.

Every step of a query (a `with`, a subquery, a branch of a union) is evaluated as a temporary table whose rows keep the
numbers of the rows that they were computed from. Then the demand for a cell is passed down, column by column: through
an expression to the columns that it names, through a `case` to the branch that was taken, through a group to its
members (for `arg_max`, to the one that won), through a window to its frame. It ends at the rows of `core`. Nothing is
read from lists: the SQL alone determines the result.

Whether a column of a row counts depends on its use. If its value is passed on, any column counts. If it only decides
(in a condition, an order, a join), a number counts and a label does not: that a row is about bitcoin is why it was
found, not what the value rests on.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any, TypeAlias, TypeVar

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from expectations.contract import datasets, glossary
from expectations.curated import curated
from warehouse.build import models
from warehouse.build.disagreements import view_in_time
from warehouse.build.models import Model
from warehouse.build.views import dataset_of

DIALECT = "duckdb"
PRESENCE = "*"
"""Stands for a column: that the row exists at all, which is what a count rests on."""

LABEL, TEXT, NUMBER = 0, 1, 2
"""How much a column says: a label, by which a row is found; a text, which may itself be the value; a number."""

_OURS = ("_row", "_branch", "_of")
_IN_TIME = "core.disagreements_in_time"
_RANKS = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.PercentRank, exp.CumeDist)
_COLLECTORS = (exp.ArrayAgg, exp.GroupConcat, exp.Count)
_PICKERS = (exp.ArgMax, exp.ArgMin)
_FOLLOWED_BY_ORDER = (exp.First, exp.Last)

Key: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Traced:
    """What one cell rests on.

    Attributes:
        rows: Table of `core` (or its view of preferred rows) to the query of its rows' numbers (see `rows_of`).
        steps: The expressions on the way to the nearest marts or to `core`, each with the step's column that it makes.
        cells: The cells of the nearest marts in between: mart and column to the keys of the rows.
        by_hand: The tables kept by hand that it rests on.
    """

    rows: Mapping[str, str]
    steps: tuple[str, ...]
    cells: Mapping[tuple[str, str], Sequence[Key]]
    by_hand: tuple[str, ...]


@dataclass(frozen=True)
class _Need:
    """One input of a step's column: a column of one of the tables that the step reads, and in which rows.

    Attributes:
        target: The table.
        says: How much the column says.
        column: Its column, or `PRESENCE`.
        place: The step's column that holds the number of the table's row; none if all rows are meant.
        decides: Whether the column only decides.
        result: The step's flag for the rows in which it is read; if there is none, it is read in all of them.
        window: The number of the window over whose frame it is read.
        frame: The step's flag for the frame's rows in which it is read.
        grouped: Whether it is read in the members of a group.
        member: The members' flag for those in which it is read.
    """

    target: "_Relation"
    says: int
    column: str
    place: str | None
    decides: bool
    result: str | None = None
    window: int | None = None
    frame: str | None = None
    grouped: bool = False
    member: str | None = None


@dataclass(eq=False)
class _Relation:
    """A table that a step reads, or a step.

    Attributes:
        number: Its number.
        name: Its name in the connection; it has a column `_row`, the number of each row.
    """

    number: int
    name: str


@dataclass(eq=False)
class _Planned:
    """A step of a query that is evaluated when its rows are needed.

    Attributes:
        node: The query.
        scope: The steps before it, by name.
        order: Its position in its model; a step that reads it has a higher one.
        names: The names of its columns, if a `with` gives them.
        recursive: Its own name, if it reads itself.
        called: Its name in its model; empty for a query within another step.
    """

    node: exp.Expr
    scope: "Scope"
    order: tuple[int, ...]
    names: tuple[str, ...] = ()
    recursive: str = ""
    called: str = ""
    step: "_Step | None" = None


Scope: TypeAlias = Mapping[str, _Planned]


@dataclass(eq=False)
class _Union(_Relation):
    """A union of branches: `columns` maps a name to the column of each branch, none if the branch lacks it."""

    order: tuple[int, ...]
    branches: Sequence[_Planned]
    columns: Mapping[str, Sequence[str | None]]


@dataclass(eq=False)
class _Opaque(_Relation):
    """A query of a kind that is not followed: each of its rows rests on everything that it reads."""

    order: tuple[int, ...]
    reads: Sequence[tuple[_Relation, "_Source"]]


@dataclass(eq=False)
class _Select(_Relation):
    """One select.

    Attributes:
        base: The table of all its rows, including those that `qualify` leaves out, with the hidden columns.
        needs: Column, or `PRESENCE`, to its inputs.
        members: The view of the groups' members; none if there are no groups.
        keys: The number of expressions that it is grouped by.
        windows: For each window, the condition for a row `y` to lie in the frame of a row `x`.
        called: Its name in its model.
        made_by: Column to its expression.
    """

    order: tuple[int, ...]
    base: str
    needs: Mapping[str, Sequence[_Need]]
    members: str | None
    keys: int
    windows: Sequence[str]
    called: str
    made_by: Mapping[str, exp.Expr]


_Step: TypeAlias = _Select | _Union | _Opaque
_StepT = TypeVar("_StepT", _Select, _Union, _Opaque)
_Source: TypeAlias = _Planned | str
"""Something that is read: a step, or a table of the file."""


@cache
def _models() -> dict[str, Model]:
    return {model.table: model for model in models.models()}


def _sql(table: str) -> str:
    return _models()[table].sql if table in _models() else view_in_time().partition(" as ")[2]


@cache
def _qualified(sql: str, known: tuple[tuple[str, tuple[str, ...]], ...]) -> exp.Expr:
    """A query in which every column is qualified by its table."""
    schema: dict[str, object] = {}
    for where in {table.partition(".")[0] for table, _ in known}:
        schema[where] = {
            table.partition(".")[2]: dict.fromkeys(columns, "text")
            for table, columns in known
            if table.startswith(f"{where}.")
        }
    query: exp.Expr = sqlglot.parse_one(sql, read=DIALECT).transform(_written_out)
    return qualify(query, dialect=DIALECT, schema=schema, quote_identifiers=False)


@cache
def _looking_around() -> dict[str, tuple[tuple[str, ...], exp.Expr]]:
    """The macros that look at other rows: name to their parameters and their expression."""
    macros = {}
    for statement in models.macros().split(";\n"):
        if " over (" in statement:
            made = sqlglot.parse_one(statement, read=DIALECT)
            macros[made.this.this.name] = (tuple(given.name for given in made.this.expressions), made.expression)
    return macros


def _written_out(node: exp.Expr) -> exp.Expr:
    """A call of a macro that looks at other rows, expanded, so that its windows are followed like any others."""
    if not isinstance(node, exp.Anonymous) or node.name not in _looking_around():
        return node
    names, meaning = _looking_around()[node.name]
    given = dict(zip(names, node.expressions, strict=True))
    whole: exp.Expr = meaning.transform(
        lambda part: given[part.name].copy() if isinstance(part, exp.Column) and part.name in given else part
    )
    for window in whole.find_all(exp.Window):
        kinds = window.args["partition_by"]
        window.set("partition_by", [part for kind in kinds for part in (kind.expressions or [kind])])
    return whole


def _outputs(node: exp.Select) -> dict[str, exp.Expr]:
    """Column to expression."""
    outputs: dict[str, exp.Expr] = {}
    for item in node.expressions:
        named = item.alias_or_name
        outputs[named if named and named not in outputs else f"_unnamed_{len(outputs)}"] = item.unalias()
    return outputs


def _names(planned: _Planned) -> list[str]:
    """The columns of a step, as far as its query names them."""
    node = planned.node.unnest() if isinstance(planned.node, exp.Subquery) else planned.node
    if planned.names:
        return list(planned.names)
    if isinstance(node, exp.Union):
        return list(_union_columns(node))
    return list(_outputs(node)) if isinstance(node, exp.Select) else []


def _union_columns(node: exp.Union) -> dict[str, list[str | None]]:
    """Column of a union to the column of each branch."""
    theirs = [list(_outputs(branch)) if isinstance(branch, exp.Select) else [] for branch in _branches(node)]
    if node.args.get("by_name"):
        return {name: [name if name in have else None for have in theirs] for name in chain.from_iterable(theirs)}
    return {name: [have[at] for have in theirs] for at, name in enumerate(theirs[0])}


def _told_by_file(table: str, column: str) -> int:
    """How much a column of a table of the file says."""
    schema, name = table.split(".")
    if name in curated():
        return TEXT
    if schema == "core":
        dataset = datasets().get(dataset_of(name))
        if dataset is None or column in dataset.key or (column not in dataset.columns and column != "source"):
            return LABEL
    elif column in _models()[table].key:
        return LABEL
    kinds = {"number": NUMBER, "count": NUMBER, "flag": NUMBER, "text": TEXT, "names": TEXT}
    return kinds.get(glossary()[column].type, LABEL)


@dataclass(frozen=True)
class _Context:
    """The position within a select's expression."""

    decides: bool = False
    guards: tuple[exp.Expr, ...] = ()
    window: int | None = None
    frame: tuple[exp.Expr, ...] = ()
    grouped: bool = False
    member: tuple[exp.Expr, ...] = ()
    pick: tuple[str, ...] | None = None

    def guarded(self, *more: exp.Expr) -> "_Context":
        """The same context under further conditions."""
        if self.grouped:
            return replace(self, member=(*self.member, *more))
        if self.window is not None:
            return replace(self, frame=(*self.frame, *more))
        return replace(self, guards=(*self.guards, *more))


class Tracer:
    """Traces cells of the marts of one connection; what was evaluated for one cell is reused for the next."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Prepare the connection.

        Args:
            connection: A connection that holds `core` and the marts; temporary tables are made in it.
        """
        self._connection = connection
        self._count = 0
        self._known: dict[str, tuple[str, ...]] = {}
        self._held: dict[str, _Relation] = {}
        self._finals: dict[str, _Planned] = {}
        self._planned_in: dict[_Planned, str] = {}
        self._steps: dict[str, list[_Step]] = {}
        self._says: dict[tuple[_Planned, str], int] = {}
        self._below: dict[tuple[_Planned, int], _Planned] = {}
        self._open: list[list[_Step]] = []
        connection.execute(models.macros())
        connection.execute(
            "create or replace temp table demanded (number integer, name varchar, decides boolean, row bigint)"
        )

    def trace(self, mart: str, column: str, key: Key) -> Traced:
        """What one cell rests on.

        Args:
            mart: The table's name.
            column: The column.
            key: The value of each column of the mart's key.
        """
        table = f"main.{mart}"
        # First by what the value itself says; if no measured value is found, by its labels, then by the rows' presence.
        for wanted, least in ((column, TEXT), (column, LABEL), (PRESENCE, TEXT)):
            self._connection.execute("delete from demanded")
            held = self._table(table)
            same = " and ".join(f'"{name}" is not distinct from ${name}' for name in key)
            self._connection.execute(
                f"insert into demanded select {held.number}, '{wanted}', false, _row from {held.name} where {same}",
                dict(key),
            )
            self._told: dict[str, None] = {}
            cells = self._hand_down(table, least)
            rows = self._reached()
            by_hand = tuple(sorted(name for name in self._hands()))
            if rows or (by_hand and wanted != PRESENCE):
                return Traced(rows, tuple(self._told), cells, by_hand)
        return Traced({}, (), {}, ())

    def _reached(self) -> dict[str, str]:
        """The tables of `core` that were reached, each with the query for the numbers of its rows."""
        numbers = {number for (number,) in self._connection.execute("select distinct number from demanded").fetchall()}
        return {
            table: f"select distinct row from demanded where number = {held.number}"
            for table, held in self._held.items()
            if held.number in numbers and dataset_of(table) in datasets()
        }

    def _hands(self) -> Iterator[str]:
        numbers = {number for (number,) in self._connection.execute("select distinct number from demanded").fetchall()}
        for table, held in self._held.items():
            if held.number in numbers and table.partition(".")[2] in curated():
                yield table.partition(".")[2]

    def rows_of(self, table: str) -> str:
        """The relation from which the rows of a table of `core` are read; its column `_row` is their number."""
        return self._table(table).name

    # Passing the demand down.

    def _hand_down(self, origin: str, least: int) -> dict[tuple[str, str], list[Key]]:
        near = [origin]
        cells: dict[tuple[str, str], list[Key]] = {}
        for table in [*reversed(_models()), _IN_TIME]:
            is_near = any(table in _models()[reader].reads for reader in near)
            held = self._held.get(table)
            if held is not None and self._is_wanted(held):
                if table != origin and is_near:
                    cells |= self._cells(table, held)
                self._enter(table, held)
            if is_near and table.startswith("intermediate."):
                near.append(table)
            self._hand_down_within(table, least, is_told=table == origin or table in near)
        return cells

    def _hand_down_within(self, table: str, least: int, *, is_told: bool) -> None:
        """Pass the demand through the steps of one model; a step is evaluated when a reader needs its rows."""
        steps = self._steps.get(table, [])
        self._open.append(steps)
        done: set[int] = set()
        while True:
            wanted = [step for step in steps if step.number not in done and self._is_wanted(step)]
            if not wanted:
                break
            step = max(wanted, key=lambda candidate: candidate.order)
            done.add(step.number)
            self._hand_on(step, least, is_told=is_told)
        self._open.pop()

    def _is_wanted(self, relation: _Relation) -> bool:
        asked = self._connection.execute("select 1 from demanded where number = ? limit 1", [relation.number])
        return bool(asked.fetchall())

    def _cells(self, table: str, held: _Relation) -> dict[tuple[str, str], list[Key]]:
        key = _models()[table].key
        names = ", ".join(f'held."{name}"' for name in key)
        rows = self._connection.execute(
            f"select distinct wanted.name, {names} from demanded as wanted "
            f"join {held.name} as held on held._row = wanted.row "
            f"where wanted.number = {held.number} and wanted.name <> '{PRESENCE}' order by all"
        ).fetchall()
        cells: dict[tuple[str, str], list[Key]] = {}
        for column, *values in rows:
            cells.setdefault((table.partition(".")[2], column), []).append(dict(zip(key, values, strict=True)))
        return cells

    def _enter(self, table: str, held: _Relation) -> None:
        """Pass the demand from a mart's rows to those of its query's last step."""
        last = self.read(self._final(table))
        same = " and ".join(f'made."{name}" is not distinct from held."{name}"' for name in _models()[table].key)
        self._connection.execute(
            f"insert into demanded select distinct {last.number}, wanted.name, wanted.decides, made._row "
            f"from demanded as wanted join {held.name} as held on held._row = wanted.row "
            f"join {last.name} as made on {same} where wanted.number = {held.number}"
        )

    def _hand_on(self, step: _Step, least: int, *, is_told: bool) -> None:
        asked = self._connection.execute(
            "select distinct name, decides from demanded where number = ? order by all", [step.number]
        ).fetchall()
        for name, decides in asked:
            wanted = (
                f"(select distinct row from demanded where number = {step.number} and name = '{name}' "
                f"and decides = {decides})"
            )
            if isinstance(step, _Opaque):
                self._hand_to_all(step, least)
            elif isinstance(step, _Union):
                self._hand_to_branches(step, name, wanted, decides=decides)
            else:
                made_by = step.made_by.get(name)
                if is_told and not decides and made_by is not None and not isinstance(made_by, exp.Column):
                    self._told[f"{step.called}.{name} = {_spoken(made_by)}"] = None
                for need in step.needs[name]:
                    self._hand_to(step, need, wanted, least, decides=decides or need.decides)

    def _hand_to_all(self, step: _Opaque, least: int) -> None:
        for read, source in step.reads:
            described = self._connection.execute(f"select column_name from (describe from {read.name})").fetchall()
            for (column,) in described:
                if column not in _OURS and self.says(source, column) >= least:
                    self._connection.execute(
                        f"insert into demanded select {read.number}, ?, false, _row from {read.name}",
                        [column],
                    )

    def _hand_to_branches(self, step: _Union, name: str, wanted: str, *, decides: bool) -> None:
        """Pass the demand to the rows of the branches with the same values."""
        reached = self._connection.execute(
            f"select distinct _branch from {step.name} where _row in {wanted} order by all"
        ).fetchall()
        for (number,) in reached:
            theirs = PRESENCE if name == PRESENCE else step.columns[name][number]
            if theirs is None:
                continue
            branch = self.read(step.branches[number])
            same = " and ".join(
                f'mine."{ours}" is not distinct from made."{have[number]}"'
                for ours, have in step.columns.items()
                if have[number] is not None
            )
            self._connection.execute(
                f"insert into demanded select distinct {branch.number}, ?, ?::boolean, made._row "
                f"from {step.name} as mine join {branch.name} as made on {same} "
                f"where mine._branch = {number} and mine._row in {wanted}",
                [theirs, decides],
            )

    def _hand_to(self, step: _Select, need: _Need, wanted: str, least: int, *, decides: bool) -> None:
        if need.says < (NUMBER if decides else least):
            return
        if need.place is None:
            rows = f"select _row as row from {need.target.name}"
        else:
            held = f"{step.base} as x"
            conditions = [f"x._row in {wanted}", *([f"x.{need.result}"] if need.result else [])]
            reader = "x"
            if need.window is not None:
                reader = "y"
                held += f" join {step.base} as y on {step.windows[need.window]}"
                conditions += [f"y.{need.frame}"] if need.frame else []
            if need.grouped:
                same = " and ".join(f"m._k{key} is not distinct from {reader}._k{key}" for key in range(step.keys))
                held += f" join {step.members} as m on {same or 'true'}"
                conditions += [f"m.{need.member}"] if need.member else []
                reader = "m"
            rows = f"select distinct {reader}.{need.place} as row from {held} where {' and '.join(conditions)}"
        self._connection.execute(
            f"insert into demanded select {need.target.number}, ?, ?, row from ({rows}) where row is not null",
            [need.column, decides],
        )

    # Planning.

    def _columns(self, table: str) -> tuple[str, ...]:
        if table.startswith("intermediate."):
            return tuple(_names(self._final(table)))
        if table not in self._known:
            schema, name = table.split(".")
            rows = self._connection.execute(
                "select column_name from duckdb_columns() where schema_name = ? and table_name = ? "
                "order by column_index",
                [schema, name],
            ).fetchall()
            self._known[table] = tuple(column for (column,) in rows)
        return self._known[table]

    def _final(self, table: str) -> _Planned:
        """The last step of a model's query."""
        if table not in self._finals:
            reads = _models()[table].reads if table in _models() else tuple(f"core.{name}" for name in datasets())
            query = _qualified(_sql(table), tuple((read, self._columns(read)) for read in reads))
            self._finals[table] = self._plan(query, {}, (), 0)
            self._finals[table].called = table.partition(".")[2]
            self._planned_in[self._finals[table]] = table
        return self._finals[table]

    def _plan(self, node: exp.Expr, outer: Scope, path: tuple[int, ...], depth: int) -> _Planned:
        """Plan a query after the steps that it names; `path` and `depth` give its position."""
        scope = dict(outer)
        with_ = node.args.get("with_")
        here = (*path, -depth) if depth else path
        steps = with_.expressions if with_ is not None else []
        for number, step in enumerate(steps):
            reads_itself = any(table.name == step.alias for table in step.this.find_all(exp.Table))
            scope[step.alias] = _Planned(
                step.this,
                dict(scope),
                (*here, number, 0),
                tuple(column.name for column in step.args["alias"].columns),
                step.alias if with_ is not None and with_.args.get("recursive") and reads_itself else "",
                step.alias,
            )
        return _Planned(node, scope, (*here, len(steps), 0))

    def below(self, planned: _Planned, node: exp.Expr, called: str = "") -> _Planned:
        """A query within a step."""
        if (planned, id(node)) not in self._below:
            *path, depth = planned.order
            if node.args.get("with_") is not None:
                self._below[planned, id(node)] = self._plan(node, planned.scope, tuple(path), 1 - depth)
            else:
                order = (*path, depth - 1)
                self._below[planned, id(node)] = _Planned(node, planned.scope, order, called=called)
        return self._below[planned, id(node)]

    def source(self, table: exp.Table, scope: Scope) -> _Source:
        """The step or table that a table of a query refers to."""
        if not table.db:
            return scope[table.name]
        name = f"{table.db}.{table.name}"
        return self._final(name) if table.db == "intermediate" or name == _IN_TIME else name

    def says(self, source: _Source, column: str) -> int:
        """How much a column says."""
        if column == PRESENCE:
            return NUMBER
        if isinstance(source, str):
            return _told_by_file(source, column)
        level = self._says.get((source, column))
        if level is None:
            self._says[source, column] = LABEL  # for a step that reads itself, only its other inputs count
            level = self._says[source, column] = self._said(source, column)
        return level

    def _said(self, planned: _Planned, column: str) -> int:
        if planned.recursive:
            return NUMBER  # everything that it reads counts
        node = planned.node.unnest() if isinstance(planned.node, exp.Subquery) else planned.node
        if isinstance(node, exp.Union) and not node.args.get("distinct"):
            named = _union_columns(node)
            names = named[column] if column in named else list(named.values())[planned.names.index(column)]
            levels = [
                self.says(self.below(planned, branch, planned.called), name)
                for branch, name in zip(_branches(node), names, strict=True)
                if name is not None
            ]
            return max(levels)
        if not isinstance(node, exp.Select):
            return NUMBER if any(node.find_all(exp.Table)) else LABEL
        if planned.names:
            return NUMBER
        item = _outputs(node)[column]
        if any(_counts(part) or isinstance(part, _COLLECTORS) for part in item.find_all(exp.Func)):
            return NUMBER
        sources = {alias: source for alias, source, _ in self.sources(node, planned)}
        levels = [
            self.says(sources[part.table], part.name) for part in item.find_all(exp.Column) if part.table in sources
        ]
        return max(levels, default=LABEL)

    def sources(self, node: exp.Select, planned: _Planned) -> Iterator[tuple[str, _Source, exp.Expr]]:
        """What a select reads: its alias, the step or table, and the part of the query that names it."""
        from_ = node.args.get("from_")
        for holder in [*([from_] if from_ is not None else []), *(node.args.get("joins") or [])]:
            read = holder.this
            if isinstance(read, exp.Subquery):
                yield read.alias, self.below(planned, read.this, read.alias), holder
            elif isinstance(read, exp.Table) and isinstance(read.this, exp.Identifier):
                yield read.alias_or_name, self.source(read, planned.scope), holder

    # Evaluating.

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _table(self, table: str) -> _Relation:
        """A table of the file, with its rows numbered."""
        if table not in self._held:
            number = self._number()
            held = _Relation(number, f"_held_{number}")
            schema, name = table.split(".")
            lasts = self._connection.execute(
                "select 1 from duckdb_tables() where schema_name = ? and table_name = ?", [schema, name]
            ).fetchall()
            if lasts:
                made = f"create or replace temp view {held.name} as select rowid as _row, * from {table}"
            else:
                made = (
                    f"create or replace temp table {held.name} as select row_number() over () as _row, * from {table}"
                )
            self._connection.execute(made)
            self._held[table] = held
        return self._held[table]

    def read(self, source: _Source) -> _Relation:
        """The relation of a source, evaluated if necessary."""
        if isinstance(source, str):
            return self._table(source)
        if source.step is None:
            table = self._planned_in.get(source)
            if table is not None:
                self._open.append(self._steps.setdefault(table, []))
            source.step = self._evaluate(source)
            if table is not None:
                self._open.pop()
        return source.step

    def _kept(self, step: _StepT) -> _StepT:
        self._open[-1].append(step)
        return step

    def _evaluate(self, planned: _Planned) -> _Step:
        node = planned.node
        if isinstance(node, exp.Subquery):
            node = node.unnest()
        branches = list(_branches(node))
        if planned.recursive or node.find(exp.Lateral) or node.args.get("limit"):
            return self._opaque(node, planned)
        if len(branches) > 1 and all(isinstance(branch, exp.Select) for branch in branches):
            return self._union(node, planned)
        if isinstance(node, exp.Select) and not planned.names:
            return self._select(node, planned)
        return self._opaque(node, planned)

    def _opaque(self, node: exp.Expr, planned: _Planned) -> _Opaque:
        body = node.copy()
        body.set("with_", None)
        reads: list[tuple[_Relation, _Source]] = []
        for table in list(body.find_all(exp.Table)):
            if table.name != planned.recursive and (table.db or table.name in planned.scope):
                source = self.source(table, planned.scope)
                reads.append((self.read(source), source))
                _point(table, reads[-1][0])
        number = self._number()
        step = _Opaque(number, f"_step_{number}", planned.order, reads)
        called = planned.recursive or "made"
        columns = f" ({', '.join(planned.names)})" if planned.names else ""
        self._connection.execute(
            f"create or replace temp table {step.name} as "
            f"with {'recursive ' if planned.recursive else ''}{called}{columns} as "
            f"({body.sql(DIALECT)}) select row_number() over () as _row, * from {called}"
        )
        return self._kept(step)

    def _union(self, node: exp.Expr, planned: _Planned) -> _Union:
        """All branches at once, as they are written: only those whose rows are needed are followed."""
        assert isinstance(node, exp.Union)  # noqa: S101  it has branches
        branches = [self.below(planned, branch, planned.called) for branch in _branches(node)]
        columns = _union_columns(node)
        if planned.names:
            columns = dict(zip(planned.names, columns.values(), strict=True))
        number = self._number()
        step = _Union(number, f"_step_{number}", planned.order, branches, columns)
        before = self._written_before(node, planned.scope)
        union = " union all ".join(
            f"select {at} as _branch, "
            + ", ".join(
                f'"{have[at]}" as "{name}"' if have[at] is not None else f'null as "{name}"'
                for name, have in columns.items()
            )
            + f" from ({self._written(branch.node)}) as t ({', '.join(_quoted(name) for name in _names(branch))})"
            for at, branch in enumerate(branches)
        )
        self._connection.execute(
            f"create or replace temp table {step.name} as {before}select row_number() over () as _row, * from ({union})"
        )
        return self._kept(step)

    def _written(self, node: exp.Expr) -> str:
        """A query as it is written, except for the steps that the file does not hold."""
        text = node.copy()
        for table in list(text.find_all(exp.Table)):
            if table.db == "intermediate" or f"{table.db}.{table.name}" == _IN_TIME:
                _point(table, self.read(self.source(table, {})))
        return text.sql(DIALECT)

    def _written_before(self, node: exp.Expr, scope: Scope) -> str:
        """The steps that a query reads, each after those that it reads itself."""
        steps: dict[str, str] = {}

        def add(reader: exp.Expr, known: Scope) -> None:
            for table in reader.find_all(exp.Table):
                if not table.db and table.name in known and table.name not in steps:
                    step = known[table.name]
                    add(step.node, step.scope)  # a step that reads itself is not in its own scope
                    columns = f" ({', '.join(step.names)})" if step.names else ""
                    steps[table.name] = f"{table.name}{columns} as ({self._written(step.node)})"

        add(node, scope)
        if not steps:
            return ""
        recursive = "recursive " if any(step.recursive for step in scope.values()) else ""
        return f"with {recursive}{', '.join(steps.values())} "

    def _select(self, node: exp.Select, planned: _Planned) -> _Select:
        followed = _Followed(self, node, planned)
        number = self._number()
        base, name = f"_base_{number}", f"_step_{number}"
        statement, kept, members = followed.statements(base)
        self._connection.execute(f"create or replace temp table {base} as {statement}")
        self._connection.execute(f"create or replace temp view {name} as {kept}")
        if members is not None:
            self._connection.execute(f"create or replace temp view _members_{number} as {members}")
        return self._kept(
            _Select(
                number,
                name,
                planned.order,
                base=base,
                needs=followed.needs,
                members=f"_members_{number}" if members is not None else None,
                keys=len(followed.keys),
                windows=followed.windows,
                called=planned.called,
                made_by=_outputs(node),
            )
        )


@dataclass(frozen=True)
class _Read:
    """One table of a `from`, and the condition that it is joined on."""

    relation: _Relation
    source: _Source
    place: str
    on: exp.Expr | None
    is_optional: bool


class _Followed:
    """One select, analysed: the inputs of each column, and the statements that keep track of them."""

    def __init__(self, tracer: Tracer, node: exp.Select, planned: _Planned) -> None:
        self._tracer = tracer
        self._planned = planned
        self._node = node.copy()
        self._node.set("with_", None)
        _spell_out_windows(self._node)
        self._reads: dict[str, _Read] = {}
        self._inner: dict[_Relation, _Source] = {}
        self._point()
        self._results: dict[str, str] = {}
        self._members: dict[str, str] = {}
        self.windows: list[str] = []
        self._windows: dict[str, int] = {}
        group = self._node.args.get("group")
        outputs = _outputs(self._node)
        if self._node.args.get("distinct"):
            self.keys = list(outputs.values())
        else:
            self.keys = list(group.expressions) if group is not None else []
        self._is_grouped = bool(self.keys) or any(_has_aggregate(item) for item in outputs.values())
        self._by_key = {item.sql(DIALECT) for item in self.keys}
        self.needs = {name: list(dict.fromkeys(self._walk(item, _Context()))) for name, item in outputs.items()}
        self.needs[PRESENCE] = list(dict.fromkeys(self._presence()))
        self._outputs = outputs

    def _point(self) -> None:
        """Make every table that is read point to the evaluated one."""
        for alias, source, holder in list(self._tracer.sources(self._node, self._planned)):
            relation = self._tracer.read(source)
            if isinstance(holder.this, exp.Subquery):
                holder.set(
                    "this", exp.Table(this=exp.to_identifier("x"), alias=exp.TableAlias(this=exp.to_identifier(alias)))
                )
            _point(holder.this, relation)
            join = holder if isinstance(holder, exp.Join) else None
            if join is not None and join.kind in ("ANTI", "SEMI"):
                continue
            self._reads[alias] = _Read(
                relation,
                source,
                f"_r{len(self._reads)}",
                join.args.get("on") if join is not None else None,
                join is not None and join.side in ("LEFT", "FULL"),
            )
        for table in list(self._node.find_all(exp.Table)):
            inner = isinstance(table.this, exp.Identifier) and not table.args.get("pointed")
            if inner and (table.db or table.name in self._planned.scope):
                source = self._tracer.source(table, self._planned.scope)
                self._inner[_point(table, self._tracer.read(source))] = source

    def _presence(self) -> Iterator[_Need]:
        context = self._members_of(_Context(), pick=()) if self._is_grouped else _Context()
        for alias, read in self._reads.items():
            if not read.is_optional:
                yield self._need(alias, PRESENCE, context)
                if read.on is not None:
                    yield from self._walk(read.on, replace(context, decides=True), joined=True)
        where = self._node.args.get("where")
        if where is not None:
            yield from self._walk(where.this, replace(context, decides=True), joined=True)

    def _members_of(self, context: _Context, pick: tuple[str, ...] | None = None) -> _Context:
        return replace(context, grouped=True, pick=pick)

    def _need(self, alias: str, column: str, context: _Context) -> _Need:
        read = self._reads[alias]
        member = None
        if context.grouped and (context.member or context.pick is not None):
            held = " and ".join(f"coalesce(({guard.sql(DIALECT)}), false)" for guard in context.member) or "true"
            if context.pick is not None:
                keys = ", ".join(key.sql(DIALECT) for key in self.keys)
                order = ", ".join([f"({held}) desc", *context.pick])
                by = f"partition by {keys} " if keys else ""
                held = f"({held}) and row_number() over ({by}order by {order}) = 1"
            member = _hide(self._members, held, "_m")
        return _Need(
            read.relation,
            self._tracer.says(read.source, column),
            column,
            read.place,
            context.decides,
            result=self._flag(context.guards),
            window=context.window,
            frame=self._flag(context.frame),
            grouped=context.grouped,
            member=member,
        )

    def _flag(self, guards: Sequence[exp.Expr]) -> str | None:
        if not guards:
            return None
        held = " and ".join(f"coalesce(({guard.sql(DIALECT)}), false)" for guard in dict.fromkeys(guards))
        return _hide(self._results, held, "_g")

    def _walk(self, item: exp.Expr, context: _Context, *, joined: bool = False) -> Iterator[_Need]:
        """The inputs of an expression."""
        if self._is_grouped and not context.grouped and item.sql(DIALECT) in self._by_key:
            # All members share a key, so one member is enough; a key that is a number rests on all of them.
            needs = list(self._walk_in(item, self._members_of(context), joined=joined))
            if any(need.says == NUMBER for need in needs):
                yield from needs
            else:
                yield from self._walk_in(item, self._members_of(context, pick=()), joined=joined)
            return
        yield from self._walk_in(item, context, joined=joined)

    def _walk_in(self, item: exp.Expr, context: _Context, *, joined: bool) -> Iterator[_Need]:
        if isinstance(item, exp.Column):
            yield from self._column(item, context, joined=joined)
        elif isinstance(item, exp.Window):
            yield from self._window(item, context)
        elif _is_aggregate(item) and not context.grouped and self._is_grouped:
            yield from self._aggregate(item, context)
        elif isinstance(item, exp.Case):
            yield from self._case(item, context, joined=joined)
        elif isinstance(item, exp.Coalesce):
            unknown: list[exp.Expr] = []
            for part in [item.this, *item.expressions]:
                yield from self._walk(part, context.guarded(*unknown), joined=joined)
                unknown.append(exp.Is(this=part.copy(), expression=exp.Null()))
        elif isinstance(item, exp.Is) and isinstance(item.expression, exp.Null):
            return  # this tests whether a value is known, not what it is
        elif isinstance(item, exp.Subquery | exp.Exists):
            yield from self._inner_query(item, context)
        else:
            for child in item.iter_expressions():
                yield from self._walk(child, context, joined=joined)

    def _column(self, item: exp.Column, context: _Context, *, joined: bool) -> Iterator[_Need]:
        alias = item.table
        if alias not in self._reads:
            return
        yield self._need(alias, item.name, context)
        read = self._reads[alias]
        if read.on is not None and not joined:
            yield from self._walk(read.on, replace(context, decides=True), joined=True)

    def _case(self, item: exp.Case, context: _Context, *, joined: bool) -> Iterator[_Need]:
        before: list[exp.Expr] = []
        for branch in item.args["ifs"]:
            asked = exp.EQ(this=item.this.copy(), expression=branch.this.copy()) if item.this else branch.this
            yield from self._walk(asked, replace(context.guarded(*before), decides=True), joined=joined)
            yield from self._walk(branch.args["true"], context.guarded(*before, asked), joined=joined)
            before.append(exp.Not(this=exp.Coalesce(this=exp.paren(asked.copy()), expressions=[exp.false()])))
        if item.args.get("default") is not None:
            yield from self._walk(item.args["default"], context.guarded(*before), joined=joined)

    def _inner_query(self, item: exp.Expr, context: _Context) -> Iterator[_Need]:
        """Columns of this query that an inner query names only decide; everything that it reads itself counts."""
        for column in item.find_all(exp.Column):
            if column.table in self._reads:
                yield from self._column(column, replace(context, decides=True), joined=True)
        for table in item.find_all(exp.Table):
            relation = table.args.get("pointed")
            for column in item.find_all(exp.Column):
                if isinstance(relation, _Relation) and column.table == table.alias_or_name:
                    says = self._tracer.says(self._inner[relation], column.name)
                    yield _Need(relation, says, column.name, None, context.decides)

    def _aggregate(self, item: exp.Expr, context: _Context) -> Iterator[_Need]:
        """The members that the filter lets through; for `arg_max` and similar, the one that won."""
        context = self._members_of(context)
        call = item
        if isinstance(item, exp.Filter):
            call, condition = item.this, item.expression.this
            yield from self._walk(condition, replace(context, decides=True))
            context = context.guarded(condition)
        if _counts(call):
            yield from self._members_there(context)
            return
        if isinstance(call, _PICKERS):
            way = "desc" if isinstance(call, exp.ArgMax) else "asc"
            order = f"({call.expression.sql(DIALECT)}) {way}"
            yield from self._picked(call.this, [call.expression], [order], context, skips_unknown=True)
            return
        ordered = call.this if isinstance(call.this, exp.Order) else None
        if isinstance(call, _FOLLOWED_BY_ORDER) and ordered is not None:
            orders = [part.sql(DIALECT) for part in ordered.expressions]
            yield from self._picked(ordered.this, ordered.expressions, orders, context, skips_unknown=False)
            return
        needs = [need for child in call.iter_expressions() for need in self._walk(child, context)]
        if all(need.says < NUMBER for need in needs):
            if isinstance(call, exp.Max | exp.Min):
                way = "desc" if isinstance(call, exp.Max) else "asc"
                yield from self._picked(
                    call.this, [], [f"({call.this.sql(DIALECT)}) {way}"], context, skips_unknown=True
                )
                return
            if needs:
                yield from self._members_there(context)
        yield from needs

    def _members_there(self, context: _Context) -> Iterator[_Need]:
        for alias, read in self._reads.items():
            if not read.is_optional:
                yield self._need(alias, PRESENCE, context)

    def _picked(
        self,
        value: exp.Expr,
        ordered_by: Sequence[exp.Expr],
        orders: Sequence[str],
        context: _Context,
        *,
        skips_unknown: bool,
    ) -> Iterator[_Need]:
        known = [f"(({value.sql(DIALECT)}) is not null) desc"] if skips_unknown else []
        yield from self._walk(
            value,
            replace(
                context,
                pick=(
                    *known,
                    *(f"{order} nulls last" if not order.lower().endswith("last") else order for order in orders),
                ),
            ),
        )
        for order in ordered_by:
            yield from self._walk(order, replace(context, decides=True))

    def _window(self, item: exp.Window, context: _Context) -> Iterator[_Need]:
        call = item.this
        partition, order, spec = item.args.get("partition_by") or [], item.args.get("order"), item.args.get("spec")
        number = self._windows_number(call, partition, order, spec)
        inside = replace(context, window=number, frame=())
        if isinstance(call, exp.IgnoreNulls | exp.RespectNulls):
            call = call.this
        if isinstance(call, exp.Filter):
            condition = call.expression.this
            yield from self._walk(condition, replace(inside, decides=True))
            inside, call = inside.guarded(condition), call.this
        # These decide the position of a row, in every row of the partition that the frame reaches.
        for deciding in chain(partition, order.expressions if order is not None else ()):
            yield from self._walk(deciding, replace(inside, decides=True, frame=()))
            yield from self._walk(deciding, replace(context, decides=True))
        needs = [need for child in call.iter_expressions() if child for need in self._walk(child, inside)]
        if isinstance(call, exp.Lag | exp.Lead):
            yield from needs
            return
        ordered = order.expressions if order is not None and isinstance(call, _RANKS) else ()
        with_order = [*needs, *(need for deciding in ordered for need in self._walk(deciding, inside))]
        if (isinstance(call, exp.Count) and _counts(call)) or all(need.says < NUMBER for need in with_order):
            yield from self._rows_there(inside)
        yield from needs

    def _rows_there(self, context: _Context) -> Iterator[_Need]:
        if self._is_grouped:
            context = self._members_of(context, pick=())
        for alias, read in self._reads.items():
            if not read.is_optional:
                yield self._need(alias, PRESENCE, context)
            if read.on is not None and not read.is_optional:
                yield from self._walk(read.on, replace(context, decides=True), joined=True)

    def _windows_number(
        self,
        call: exp.Expr,
        partition: Sequence[exp.Expr],
        order: exp.Order | None,
        spec: exp.WindowSpec | None,
    ) -> int:
        conditions = []
        for part in partition:
            place = _hide(self._results, part.sql(DIALECT), "_g")
            conditions.append(f"y.{place} is not distinct from x.{place}")
        if order is not None:
            conditions += self._framed(call, partition, order, spec)
        same = " and ".join(conditions) or "true"
        if same not in self._windows:
            self._windows[same] = len(self.windows)
            self.windows.append(same)
        return self._windows[same]

    def _framed(
        self,
        call: exp.Expr,
        partition: Sequence[exp.Expr],
        order: exp.Order,
        spec: exp.WindowSpec | None,
    ) -> Iterator[str]:
        """The conditions for a row `y` to lie in the frame of a row `x`."""
        by = f"partition by {', '.join(part.sql(DIALECT) for part in partition)} " if partition else ""
        ways = ", ".join(part.sql(DIALECT) for part in order.expressions)
        if isinstance(call, exp.Lag | exp.Lead):
            place = _hide(self._results, f"row_number() over ({by}order by {ways})", "_g")
            offset = call.args.get("offset")
            steps = offset.sql(DIALECT) if isinstance(offset, exp.Expr) else "1"
            yield f"y.{place} = x.{place} {'-' if isinstance(call, exp.Lag) else '+'} {steps}"
            return
        kind = (spec.args.get("kind") or "RANGE").upper() if spec is not None else "RANGE"
        start = (
            (spec.args.get("start"), spec.args.get("start_side")) if spec is not None else ("UNBOUNDED", "PRECEDING")
        )
        end = (
            (spec.args.get("end") or "CURRENT ROW", spec.args.get("end_side"))
            if spec is not None
            else ("CURRENT ROW", None)
        )
        ordinal = _hide(
            self._results, f"{'row_number' if kind == 'ROWS' else 'rank'}() over ({by}order by {ways})", "_g"
        )
        first = order.expressions[0]
        value = _hide(self._results, first.this.sql(DIALECT), "_g") if kind == "RANGE" else ordinal
        falls = bool(first.args.get("desc")) and kind == "RANGE"
        for (bound, side), sign in ((start, ">="), (end, "<=")):
            if not isinstance(bound, exp.Expr):
                if str(bound).upper() == "CURRENT ROW":
                    yield f"y.{ordinal} {sign} x.{ordinal}"
                continue
            back = (str(side).upper() == "PRECEDING") != falls
            flipped = {">=": "<=", "<=": ">="}[sign] if falls else sign
            yield f"y.{value} {flipped} x.{value} {'-' if back else '+'} {bound.sql(DIALECT)}"

    def statements(self, base: str) -> tuple[str, str, str | None]:
        """The queries for all rows with the hidden columns, for the kept rows, and for the groups' members."""
        node = self._node
        rest = " ".join(
            part.sql(DIALECT)
            for part in (node.args.get("from_"), *(node.args.get("joins") or ()), node.args.get("where"))
            if part is not None
        )
        shown = [f'{item.sql(DIALECT)} as "{name}"' for name, item in self._outputs.items()]
        hidden = [f"{item} as {name}" for item, name in self._results.items()]
        places = [f"{_quoted(alias)}._row as {read.place}" for alias, read in self._reads.items()]
        keys = [f"{item.sql(DIALECT)} as _k{number}" for number, item in enumerate(self.keys)]
        qualified = node.args.get("qualify")
        if qualified is not None:
            hidden.append(f"coalesce(({qualified.this.sql(DIALECT)}), false) as _kept")
        own = keys if self._is_grouped else places
        group = ""
        if self.keys:
            group = " group by " + ", ".join(item.sql(DIALECT) for item in self.keys)
        having = node.args.get("having")
        group += f" {having.sql(DIALECT)}" if having is not None else ""
        inside = f"select {', '.join([*shown, *hidden, *own])} {rest}{group}"
        statement = f"select row_number() over () as _row, * from ({inside})"
        names = ", ".join(["_row", *(f'"{name}"' for name in self._outputs)])
        kept = f"select {names} from {base}" + (" where _kept" if qualified is not None else "")
        members = None
        if self._is_grouped:
            flags = [f"{item} as {name}" for item, name in self._members.items()]
            members = f"select {', '.join([*keys, *places, *flags]) or 'true as _any'} {rest}"
        return statement, kept, members


def _hide(hidden: dict[str, str], item: str, prefix: str) -> str:
    """The name of a hidden column that holds an expression."""
    return hidden.setdefault(item, f"{prefix}{len(hidden)}")


def _point(table: exp.Table, relation: _Relation) -> _Relation:
    """Make a table of a query read an evaluated one, under the same name in the query."""
    called = table.alias_or_name
    table.set("db", None)
    table.set("this", exp.to_identifier(relation.name))
    table.set("alias", exp.TableAlias(this=exp.to_identifier(called)))
    table.set("pointed", relation)
    return relation


def _spell_out_windows(node: exp.Select) -> None:
    """Replace references to named windows by their definitions."""
    named = {window.name: window for window in node.args.get("windows") or []}
    node.set("windows", None)
    for window in list(node.find_all(exp.Window)):
        alias = window.args.get("alias")
        if alias is not None and alias.name in named:
            meant = named[alias.name].copy()
            window.set("alias", None)
            for part in ("partition_by", "order", "spec"):
                window.set(part, window.args.get(part) or meant.args.get(part))


def _branches(node: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(node, exp.Subquery) and not node.alias:
        node = node.unnest()
    if isinstance(node, exp.Union) and not node.args.get("distinct") and node.args.get("with_") is None:
        yield from _branches(node.left)
        yield from _branches(node.right)
    else:
        yield node


@cache
def _aggregates() -> frozenset[str]:
    with duckdb.connect() as connection:
        rows = connection.execute("select function_name from duckdb_functions() where function_type = 'aggregate'")
        return frozenset(name for (name,) in rows.fetchall())


def _is_aggregate(item: exp.Expr) -> bool:
    if isinstance(item, exp.Filter):
        return True
    if isinstance(item, exp.Anonymous):
        return item.name.lower() in _aggregates()
    return isinstance(item, exp.AggFunc)


def _counts(item: exp.Expr) -> bool:
    """Whether a call returns the number of rows, or a row's rank among them."""
    whole = isinstance(item, exp.Count) and (item.this is None or isinstance(item.this, exp.Star))
    return whole or isinstance(item, _RANKS)


def _has_aggregate(item: exp.Expr) -> bool:
    """Whether an expression aggregates over a group, outside of windows and inner queries."""
    if isinstance(item, exp.Window):
        call = item.this.this if isinstance(item.this, exp.Filter) else item.this
        partition = item.args.get("partition_by") or []
        inner = [*call.iter_expressions(), *partition, *([item.args["order"]] if item.args.get("order") else [])]
        return any(_has_aggregate(child) for child in inner)
    if isinstance(item, exp.Query):
        return False
    return _is_aggregate(item) or any(_has_aggregate(child) for child in item.iter_expressions())


def _spoken(item: exp.Expr) -> str:
    """An expression as models write it: in lower case, except for quoted text."""
    text = " ".join(item.sql(DIALECT, comments=False).split())
    return re.sub(r"'[^']*'|[^']+", lambda part: part[0] if part[0].startswith("'") else part[0].lower(), text)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
