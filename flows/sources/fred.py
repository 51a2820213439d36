"""FRED: statistics of the Federal Reserve and the Treasury as CSV, without a key.

One series a request, because several have come as a zip archive; weekdays without a value are listed empty; an
unknown name returns an HTML page. Only the newest vintage is served.

Also documented at https://fred.stlouisfed.org/docs/api/fred.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from expectations.datasets.macro_series import MACRO_SERIES
from expectations.errors import PipelineError, SourceUnavailable
from flows.source import FOR_EVER, Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.macro_series.fred import STATISTICS

GRAPH = "https://fred.stlouisfed.org/graph/fredgraph.csv"

WHOLE_HISTORY = 36_600  # days: more than any series has

FIRST_DAYS = {
    "WALCL": date(2002, 12, 18),
    "WDTGAL": date(2002, 12, 18),
    "RRPONTSYD": date(2013, 9, 23),
    "DFF": date(1954, 7, 1),
    "DFEDTARL": date(2008, 12, 16),
    "DFEDTARU": date(2008, 12, 16),
    "DGS3MO": date(1981, 9, 1),
    "DGS1": date(1962, 1, 2),
    "M2SL": date(1959, 1, 1),
    "ECBASSETSW": date(1999, 1, 2),
    "JPNASSETS": date(1998, 4, 1),
}
# M2's seasonal factors are recomputed: of two vintages of one month in 2026, 372 of 377 months since 1995 differ, and
# of two a month apart those of five years. JPNASSETS has no vintages at hand, and is requested as the Bank of Japan's
# own is; the Eurosystem's statement is restated as the ECB's own is believed to be. No value of WALCL, RRPONTSYD and
# BAA10Y ever changed between vintages, and rates are corrected within days.
RESTATED = {
    "M2SL": FOR_EVER,
    "JPNASSETS": FOR_EVER,
    "ECBASSETSW": timedelta(days=100),
}


def statistics() -> Iterator[Series]:
    """One series for each statistic that FRED has for us, with the restatement window that its vintages show."""
    for fred_id, statistic in STATISTICS.items():
        yield Series(
            statistic.name,
            fred_id,
            FIRST_DAYS[fred_id],
            statistic.release,
            restates_for=RESTATED.get(fred_id),
            by_rule=not statistic.announced,
        )


def begun(ask: Ask) -> date:
    """The first day to request for the value before a quiet day: ten days early, or seventy for monthly series."""
    return ask.days.start - timedelta(days=70 if STATISTICS[ask.series.symbol].monthly else 10)


def plan_graph(ask: Ask) -> Plan:
    """One file that starts early, so that it holds the value before a quiet day."""
    yield Request(
        GRAPH,
        params={"id": ask.series.symbol, "cosd": begun(ask).isoformat(), "coed": ask.days.last.isoformat()},
        form="csv",
        labels={"fred_id": ask.series.symbol},
    )


def refusal(answer: Answer) -> PipelineError | None:
    """An HTML page where a file was expected; the names that we ask for are known to exist."""
    if answer.body.lstrip()[:1] == b"<":
        return SourceUnavailable(f"expected CSV from FRED, found {answer.body.lstrip()[:60]!r}")
    return None


SOURCE = Source(
    name="fred",
    feeds=(
        Feed(
            MACRO_SERIES,
            plan_graph,
            tuple(statistics()),
            days_per_ask=WHOLE_HISTORY,
            restates_for=timedelta(days=21),
            whole_history=True,
        ),
    ),
    limits={"fred.stlouisfed.org": Limit(60, 60, burst=8)},
    docs="https://fred.stlouisfed.org",
    terms="FRED terms of use; public domain, but for ECBASSETSW (ECB) and JPNASSETS (Bank of Japan), to be cited",
    attribution="Federal Reserve Bank of St. Louis, FRED",
    verified="recorded",
    verified_against=(
        "recorded files of WALCL, RRPONTSYD and DFF (to 2026); M2SL, ECBASSETSW and JPNASSETS in the replay, "
        "with their units; the other series have the same shape. That FRED lists ECBASSETSW and JPNASSETS as "
        "soon as the banks themselves publish is believed"
    ),
    refusal=refusal,
    connections=2,
)
