"""Bank of Japan: its own total assets and Japan's M2, from its time-series API (since February 2026).

The HTTP status is 200 even for an error: `STATUS` inside says 400, 500 or 503. Codes are sent without the name of
their database. Frequent access is cut off; new figures come at 8:50 in Tokyo. An answer with a next page gives its
start in NEXTPOSITION, as a place in the list of codes.
"""

from datetime import date, timedelta

from expectations.datasets.macro_series import MACRO_SERIES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief
from flows.source import FOR_EVER, Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.macro_series.boj import STATISTICS

HOST = "www.stat-search.boj.or.jp"
CODES = f"https://{HOST}/api/v1/getDataCode"
WHOLE_HISTORY = 36_600  # days: more than any series has
EARLIER = timedelta(days=70)  # so that the month before a quiet day is in the answer

FIRST_DAYS = {"MABJMTA": date(1998, 4, 1), "MAM1NAM2M2MO": date(2003, 4, 1)}

DONE, BAD_REQUEST = "200", "400"


def plan_months(ask: Ask) -> Plan:
    """The months of the wanted days and the two before them; each page but the last names the next."""
    code = ask.series.symbol
    start = ask.days.start - EARLIER
    params: dict[str, str | int] = {
        "format": "json",
        "lang": "en",
        "db": STATISTICS[code].database,
        "startDate": f"{start:%Y%m}",
        "endDate": f"{ask.days.last:%Y%m}",
        "code": code,
    }
    page = yield Request(CODES, params=params, labels={"code": code})
    while following := page.json().get("NEXTPOSITION"):  # a place in a list, counted from 1; none on the last page
        page = yield Request(CODES, params={**params, "startPosition": following}, labels={"code": code})


def refusal(answer: Answer) -> PipelineError | None:
    """An error inside a 200; the status inside may be a number or text."""
    document = answer.json()
    status = brief(document.get("STATUS")) if isinstance(document, dict) else None
    if status == DONE:
        return None
    message = f"expected STATUS {DONE} from the Bank of Japan, found {brief(document, 200)}"
    return SourceRefused(message) if status == BAD_REQUEST else SourceUnavailable(message)


SOURCE = Source(
    name="boj",
    feeds=(
        Feed(
            MACRO_SERIES,
            plan_months,
            tuple(
                Series(statistic.name, code, FIRST_DAYS[code], statistic.release)
                for code, statistic in STATISTICS.items()
            ),
            days_per_ask=WHOLE_HISTORY,
            restates_for=FOR_EVER,  # months are restated for years back
            whole_history=True,
        ),
    ),
    limits={HOST: Limit(30, 60, burst=2)},  # none published; others keep half a second between two requests
    docs="https://www.stat-search.boj.or.jp/info/api_manual_en.pdf",
    terms="not for commercial ends; credit the Bank of Japan",
    attribution="Source: Bank of Japan",
    verified="documented",
    verified_against=(
        "hand-written answers in the shape of the manual, as clients of it show; the level of total assets "
        "against FRED's JPNASSETS in the replay. On which day a month comes out is believed, on the late "
        "side"
    ),
    refusal=refusal,
    connections=1,
)
