"""European Central Bank: the Eurosystem's balance sheet, the euro area's M2 and the reference exchange rates, as CSV.

A query without a match is a 404 with a JSON body; quotes are per euro, so a rate against the dollar takes two of
them. robots.txt bars the agent of python-requests: we send our own name. Croatia joined in 2023 and Bulgaria in 2026:
the area's M2 steps up with each.
"""

from datetime import date, timedelta

from expectations.datasets.exchange_rates import EXCHANGE_RATES
from expectations.datasets.macro_series import MACRO_SERIES
from flows.refusals import no_table
from flows.source import FOR_EVER, Ask, Feed, Limit, Plan, Request, Series, Source, series_of
from transforms.exchange_rates.ecb import PUBLISHED
from transforms.macro_series.ecb import STATISTICS

HOST = "data-api.ecb.europa.eu"
DATA = f"https://{HOST}/service/data"
WHOLE_HISTORY = 36_600  # days: more than any series has

# The series of the balance sheet (ILM) or of the banks (BSI): the first day that we ask for.
FIRST_DAYS = {
    "ILM.W.U2.C.T000000.Z5.Z01": date(1999, 1, 2),
    "BSI.M.U2.Y.V.M20.X.1.U2.2300.Z01.E": date(1999, 1, 1),
}
# The seasonal factors of M2 are recomputed for years back, and the banks' reports are restated too.
RESTATED = {"BSI.M.U2.Y.V.M20.X.1.U2.2300.Z01.E": FOR_EVER}
# The days before an ask that are requested too, so that the answer holds the value before a quiet day.
EARLIER = timedelta(days=70)
BEFORE_HOLIDAYS = timedelta(days=7)

QUOTED = {
    "KRW": ("KRW+USD", date(1999, 1, 4)),
    "EUR": ("USD", date(1999, 1, 4)),
    "JPY": ("JPY+USD", date(1999, 1, 4)),
    "CNY": ("CNY+USD", date(2005, 4, 1)),
}


def plan_statistic(ask: Ask) -> Plan:
    """One table from two months before the wanted days; a series is named by its data set and its key."""
    dataset, _, key = ask.series.symbol.partition(".")
    start = (ask.days.start - EARLIER).replace(day=1)
    yield Request(
        f"{DATA}/{dataset}/{key}",
        params={"startPeriod": start.isoformat(), "format": "csvdata"},
        form="csv",
        labels={"ecb_key": ask.series.symbol},
    )


def plan_rates(ask: Ask) -> Plan:
    """One table of the currency and the dollar that starts a week early, so that it has the fixing before a holiday."""
    start = ask.days.start - BEFORE_HOLIDAYS
    yield Request(
        f"{DATA}/EXR/D.{ask.series.symbol}.EUR.SP00.A",
        params={"startPeriod": start.isoformat(), "endPeriod": ask.days.last.isoformat(), "format": "csvdata"},
        form="csv",
        labels={"currency": ask.series.name},
    )


SOURCE = Source(
    name="ecb",
    feeds=(
        Feed(
            MACRO_SERIES,
            plan_statistic,
            tuple(
                Series(
                    statistic.name,
                    ecb_key,
                    FIRST_DAYS[ecb_key],
                    statistic.release,
                    restates_for=RESTATED.get(ecb_key),
                )
                for ecb_key, statistic in STATISTICS.items()
            ),
            days_per_ask=WHOLE_HISTORY,
            restates_for=timedelta(days=100),
            whole_history=True,
        ),
        Feed(
            EXCHANGE_RATES,
            plan_rates,
            series_of(QUOTED, PUBLISHED),
            days_per_ask=3660,
        ),
    ),
    limits={HOST: Limit(60, 60, burst=8)},  # none published
    docs="https://data.ecb.europa.eu/help/api/data",
    terms="free with attribution",
    attribution="Source: ECB statistics",
    verified="documented",
    verified_against=(
        "the recorded exchange rates (2025 to 2026), which lack the dollar; the tables of the balance sheet "
        "and of M2 are hand-written in the shape that others show, about 30 columns of which we need two. "
        "When M2 comes out is believed, on the late side"
    ),
    refusal=no_table("the ECB"),
    connections=2,
)
