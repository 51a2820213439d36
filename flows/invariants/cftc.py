"""CFTC: the size of the bitcoin contracts at CME."""

import re
from collections.abc import Sequence
from datetime import datetime

from flows.invariant import Finding, Invariant, question
from flows.source import Answer, Plan
from flows.sources.cftc import REPORTED, REPORTS
from transforms.open_interest.cftc import FUTURES
from transforms.payload import member

FIGURE = re.compile(r"\d*\.?\d+")


def plan_newest(_: datetime) -> Plan:
    """The newest report on each future."""
    for market in FUTURES:
        params: dict[str, str | int] = {
            "$where": f"market_and_exchange_names = '{market}'",
            "$order": f"{REPORTED} DESC",
            "$limit": 1,
        }
        yield question(REPORTS, **params)


def contract_units(answers: Sequence[Answer]) -> Finding:
    """Whether `contract_units` names as many bitcoin as we count."""
    reports = [report for answer in answers for report in answer.json() if member(report, REPORTED)]
    units = [str(report["contract_units"]) for report in reports if "contract_units" in report]
    if len(units) != len(FUTURES):
        return Finding(None, f"{len(units)} of {len(reports)} reports tell contract_units, for {len(FUTURES)} futures")
    figures = [FIGURE.search(unit) for unit in units]
    coins = [float(figure[0]) if figure else None for figure in figures]
    return Finding(coins == [future.coins for future in FUTURES.values()], f"contracts of {' and '.join(units)}")


INVARIANTS = (
    Invariant(
        "size of a contract",
        "A bitcoin contract at CME is of 5 bitcoin, a micro contract of a tenth of one.",
        plan_newest,
        contract_units,
    ),
)
