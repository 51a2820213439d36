"""Federal Reserve Board: its weekly balance sheet, release H.4.1, from the Board itself.

One zip file of several megabytes holds the whole history of every line, as XML; a line is identified by
`SERIES_NAME`. An unknown value is -9999 with a status other than `A`.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from expectations.datasets.macro_series import MACRO_SERIES
from expectations.errors import PipelineError, SourceUnavailable
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.macro_series.fed import H41, SERIES

HOST = "www.federalreserve.gov"
RELEASE = f"https://{HOST}/releases/h41/data/FRB_h41_xml.zip"

WHOLE_HISTORY = 36_600  # days: more than any series has

FIRST_DAYS = {"fed_assets": date(2002, 12, 18), "tga": date(2002, 12, 18), "rrp": date(2013, 9, 25)}


def plan_release(_: Ask) -> Plan:
    """The file, which serves every series of a run."""
    yield Request(RELEASE, form="sdmx", shared=True)


def count_requests(ask: Ask) -> Mapping[str, int]:
    """One file for all series; counted with the first of them."""
    return {HOST: 1} if ask.series.name == next(iter(SERIES)) else {}


def refusal(answer: Answer) -> PipelineError | None:
    """An HTML page where a zip file was expected."""
    if answer.body.lstrip()[:1] == b"<":
        return SourceUnavailable(f"expected a zip file from {HOST}, found {answer.body.lstrip()[:60]!r}")
    return None


SOURCE = Source(
    name="fed",
    feeds=(
        Feed(
            MACRO_SERIES,
            plan_release,
            tuple(Series(name, line, FIRST_DAYS[name], H41) for name, line in SERIES.items()),
            days_per_ask=WHOLE_HISTORY,
            restates_for=timedelta(days=21),
            whole_history=True,
            count=count_requests,
        ),
    ),
    limits={HOST: Limit(6, 60, burst=2)},  # none published
    docs="https://www.federalreserve.gov/releases/h41/",
    terms="public domain",
    attribution="Board of Governors of the Federal Reserve System",
    verified="documented",
    verified_against=(
        "documentation, and public code that reads the file. Others found RESPPMA_N.WW equal to FRED's WALCL "
        "on 1,242 weeks. That the line of reverse repos is the day's operation, and on a holiday that of the "
        "day before, is believed; at some turns of a quarter until 2015 it held term operations besides"
    ),
    refusal=refusal,
    connections=1,
)
