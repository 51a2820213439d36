"""Federal Reserve Board: whether its own release says what FRED says of it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from flows.invariant import Finding, Invariant
from flows.source import Answer, Plan, Request
from flows.sources.fed import RELEASE
from flows.sources.fred import GRAPH
from transforms.macro_series.fed import normalize
from transforms.macro_series.fred import normalize as normalize_fred
from transforms.payload import decode

FRED_ID = "WALCL"
ASSETS = "fed_assets"
WEEKS = 10
A_MILLION = 1e6


def plan_both(now: datetime) -> Plan:
    """The release, and FRED's copy of one line of it."""
    yield Request(RELEASE, form="sdmx", transform=None, shared=True)
    start, end = now.date() - timedelta(weeks=WEEKS), now.date()
    yield Request(GRAPH, params={"id": FRED_ID, "cosd": f"{start}", "coed": f"{end}"}, form="csv", transform=None)


def same_to_the_million(answers: Sequence[Answer]) -> Finding:
    """Whether both have the same amount, to the million dollars, for the same Wednesdays."""
    rows = normalize(decode(answers[0].body, "sdmx"))
    copied = normalize_fred(decode(answers[1].body, "csv"), fred_id=FRED_ID)
    mine: dict[date, float] = dict(
        rows.filter(rows["series"] == ASSETS).select("date", "amount").drop_nulls().iter_rows()
    )
    theirs: dict[date, float] = dict(copied.select("date", "amount").drop_nulls().iter_rows())
    both = sorted(set(mine) & set(theirs))
    if not both:
        return Finding(None, f"no Wednesday is in both of {len(mine)} and {len(theirs)}")
    odd = [day for day in both if abs(mine[day] - theirs[day]) >= A_MILLION]
    day = odd[0] if odd else both[-1]
    found = f"{mine[day] / A_MILLION:,.0f} and {theirs[day] / A_MILLION:,.0f} million on {day}"
    return Finding(not odd, f"{found}; {len(both) - len(odd)} of {len(both)} weeks agree")


INVARIANTS = (
    Invariant(
        "total assets",
        f"FRED's {FRED_ID} is the line RESPPMA_N.WW of H.4.1, to the million.",
        plan_both,
        same_to_the_million,
    ),
)
