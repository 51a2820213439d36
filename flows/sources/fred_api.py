"""FRED's API: the same statistics as `fred`, as JSON, with a free key.

One series a request, at most 100,000 values; a missing value is "."; only the newest vintage unless another is
requested; the key is a query parameter. A substitute for the files of `fred`, which some places cannot reach.
"""

from datetime import timedelta

from expectations.datasets.macro_series import MACRO_SERIES
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable, brief, quoted
from flows.source import Answer, Ask, Feed, Key, Limit, Plan, Request, Source
from flows.sources.fred import WHOLE_HISTORY, begun, statistics
from transforms.macro_series.fred_api import whole
from transforms.payload import members

OBSERVATIONS = "https://api.stlouisfed.org/fred/series/observations"
MOST = 100_000  # observations on a page
TOO_MANY = 429
SERVER_ERRORS = 500


def plan_observations(ask: Ask) -> Plan:
    """One page that starts early, so that it holds the value before a quiet day; it must hold all values."""
    page = yield Request(
        OBSERVATIONS,
        params={
            "series_id": ask.series.symbol,
            "file_type": "json",
            "observation_start": begun(ask).isoformat(),
            "observation_end": ask.days.last.isoformat(),
        },
        labels={"fred_id": ask.series.symbol},
    )
    about = {"limit": MOST, "offset": 0} | members({"page": page.json()}, "page")
    count, most, skipped = (whole(about, name) for name in ("count", "limit", "offset"))
    if skipped or count > most:
        raise PayloadChanged(f"expected all {count} observations on one page, found {most} at most after {skipped}")


def refusal(answer: Answer) -> PipelineError | None:
    """FRED's error, where it comes in a 200."""
    document = answer.json()
    if not isinstance(document, dict) or "error_code" not in document:
        return None
    code = document["error_code"]
    message = f"expected observations from FRED, found error {brief(code)}: {quoted(document.get('error_message'))}"
    later = isinstance(code, int) and (code == TOO_MANY or code >= SERVER_ERRORS)
    return SourceUnavailable(message) if later else SourceRefused(message)


SOURCE = Source(
    name="fred_api",
    feeds=(
        Feed(
            MACRO_SERIES,
            plan_observations,
            tuple(statistics()),
            days_per_ask=WHOLE_HISTORY,
            restates_for=timedelta(days=21),
            whole_history=True,
        ),
    ),
    limits={"api.stlouisfed.org": Limit(60, 60, burst=8)},  # 120 a minute are believed
    docs="https://fred.stlouisfed.org/docs/api/fred/series_observations.html",
    terms="FRED terms of use; the series used are in the public domain",
    attribution="Federal Reserve Bank of St. Louis, FRED; not endorsed or certified by it",
    verified="recorded",
    verified_against=(
        "recorded answers of DEXKOUS and VIXCLS (2026), which have the shape, and the replay's of the series used"
    ),
    refusal=refusal,
    connections=2,
    key=Key("FRED", param="api_key"),
)
