"""The formula of each column of a mart: the expression in its model's query, as it is written there.

A column that a query only passes through is followed to the step, or to the model, that computes it; if it comes from a
table of `core` or from another mart, the formula is that table's column. Names within an expression are those of the
model's steps.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import duckdb

from warehouse.build import models
from warehouse.build.models import Model

MOST_CASES = 3

_COMMENT = re.compile(r"--.*")

Node = Mapping[str, Any]


@cache
def formulas(model: Model) -> dict[str, str]:
    """Column name to formula, for every column that the model's query names."""
    return dict(_Query(model.sql.encode()).columns(_queries()[model.table], {}))


@cache
def _queries() -> dict[str, Node]:
    """The syntax tree of every model's query."""
    trees: dict[str, Node] = {}
    with duckdb.connect() as parser:
        for model in models.models():
            text = parser.execute("select json_serialize_sql(?::varchar)", [model.sql]).fetchall()[0][0]
            trees[model.table] = json.loads(text)["statements"][0]["node"]
    return trees


class _Query:
    """One model's text, from which expressions are cut at the positions that the parser gives."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._known: dict[int, list[tuple[str, str]]] = {}  # a step with many readers is followed once

    def columns(self, node: Node, steps: Mapping[str, Node]) -> list[tuple[str, str]]:
        """Names and formulas of one select's columns in their order; for a union, of all branches together."""
        if id(node) not in self._known:
            self._known[id(node)] = self._columns(node, steps)
        return self._known[id(node)]

    def _columns(self, node: Node, steps: Mapping[str, Node]) -> list[tuple[str, str]]:
        steps = {**steps, **{step["key"]: step["value"]["query_node"] for step in node["cte_map"]["map"]}}
        if node["type"] == "RECURSIVE_CTE_NODE":
            return self.columns(node["left"], steps)  # the first branch; the other one reads the step itself
        if node["type"] == "SET_OPERATION_NODE":
            branches = [self.columns(branch, steps) for branch in node["children"]]
            if node["setop_type"] == "UNION_BY_NAME":
                names = dict.fromkeys(name for branch in branches for name, _ in branch)
                by_name = [dict(branch) for branch in branches]
                return [(name, _either([branch[name] for branch in by_name if name in branch])) for name in names]
            return [
                (places[0][0], _either([formula for _, formula in places])) for places in zip(*branches, strict=True)
            ]
        columns: list[tuple[str, str]] = []
        tables = self._tables(node["from_table"], steps)
        for item in node["select_list"]:
            if item["class"] == "STAR":
                for table in tables.values():
                    columns += table.items()
            else:
                name = item["alias"] or (item["column_names"][-1] if item["class"] == "COLUMN_REF" else "")
                columns.append((name, self._formula(item, tables)))
        return columns

    def _formula(self, item: Node, tables: Mapping[str, Mapping[str, str]]) -> str:
        written = self._written(item)
        if item["class"] != "COLUMN_REF":
            return written
        *owner, column = item["column_names"]
        if owner:
            return tables.get(owner[-1], {}).get(column, written)
        makers = [columns[column] for columns in tables.values() if len(tables) == 1 or column in columns]
        return makers[0] if len(makers) == 1 else written

    def _written(self, item: Node) -> str:
        """The text of an expression. An operator's own position is its sign; its operands reach further."""
        spans = list(_spans(item))
        start, end = min(first for first, _ in spans), max(last for _, last in spans)
        # The parser drops parentheses that only group.
        while self._text.count(b")", start, end) > self._text.count(b"(", start, end):
            start = self._text.rindex(b"(", 0, start)
        while self._text.count(b"(", start, end) > self._text.count(b")", start, end):
            end = self._text.index(b")", end) + 1
        lines = self._text[start:end].decode().splitlines()
        return " ".join(" ".join(_COMMENT.sub("", line) for line in lines).split())

    def _tables(self, read: Node, steps: Mapping[str, Node]) -> dict[str, dict[str, str]]:
        """The tables of a `from`, by their name in the query, each with the formulas of its columns."""
        tables: dict[str, dict[str, str]] = {}
        for table in _named_tables(read):
            if table["type"] == "SUBQUERY":
                tables[table["alias"]] = dict(self.columns(table["subquery"]["node"], steps))
                continue
            schema, name = table["schema_name"], table["table_name"]
            called = table["alias"] or name
            if not schema:
                earlier = {step: query for step, query in steps.items() if step != name}
                tables[called] = dict(self.columns(steps[name], earlier))
            elif schema == "intermediate":
                tables[called] = formulas(next(model for model in models.models() if model.table == f"{schema}.{name}"))
            else:
                tables[called] = _Finished(f"{schema}.{name}")
        return tables


class _Finished(dict[str, str]):
    """A table of the finished file: the formula of each column is the column itself."""

    def __init__(self, table: str) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, column: str) -> str:
        return f"{self._table}.{column}"

    def get(self, column: str, default: Any = None) -> str:
        del default
        return self[column]


def _either(branches: list[str]) -> str:
    different = list(dict.fromkeys(branches))
    if len(different) > MOST_CASES:
        return f"{len(different)} cases, each in a step of its own"
    return f"either {' or '.join(different)}" if len(different) > 1 else different[0]


def _spans(node: Any) -> Iterator[tuple[int, int]]:
    if isinstance(node, dict):
        start, length = node.get("query_location"), node.get("query_location_length", 0)
        if isinstance(start, int) and 0 <= start < 2**63 and length:
            yield start, start + length
        if node.get("class") == "WINDOW":
            return  # its own span is complete, and the window that it names is defined elsewhere
        for child in node.values():
            yield from _spans(child)
    elif isinstance(node, list):
        for child in node:
            yield from _spans(child)


def _named_tables(read: Node) -> Iterator[Node]:
    if read["type"] == "JOIN":
        yield from _named_tables(read["left"])
        yield from _named_tables(read["right"])
    elif read["type"] in {"BASE_TABLE", "SUBQUERY"}:
        yield read
