"""OECD: China's M2, for which the People's Bank itself has no API.

Sixty requests an hour, beyond which an address is blocked; the aggregate is called broad money and labelled M3. A
query without a match is a 404 with plain text.
"""

from datetime import date, timedelta

from expectations.datasets.macro_series import MACRO_SERIES
from flows.refusals import no_table
from flows.source import FOR_EVER, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.macro_series.oecd import RELEASE

HOST = "sdmx.oecd.org"
# Area, frequency, measure, unit; activity, adjustment, transformation, horizon and methodology are left open.
BROAD_MONEY = f"https://{HOST}/public/rest/data/OECD.SDD.STES,DSD_STES@DF_MONAGG,/CHN.M.MABM.XDC....."
WHOLE_HISTORY = 36_600  # days: more than any series has
EARLIER = timedelta(days=70)  # so that the month before a quiet day is in the answer


def plan_money(ask: Ask) -> Plan:
    """One table from two months before the wanted days."""
    start = ask.days.start - EARLIER
    yield Request(BROAD_MONEY, params={"startPeriod": f"{start:%Y-%m}", "format": "csvfilewithlabels"}, form="csv")


SOURCE = Source(
    name="oecd",
    feeds=(
        Feed(
            MACRO_SERIES,
            plan_money,
            (Series("china_m2", "MABM", date(2004, 1, 1), RELEASE),),
            days_per_ask=WHOLE_HISTORY,
            restates_for=FOR_EVER,  # months are restated for years back
            whole_history=True,
        ),
    ),
    # Sixty an hour; the few of a day may go at once, so that retries are not held up.
    limits={HOST: Limit(60, 3600, burst=30)},
    docs="https://www.oecd.org/en/data/insights/data-explainers/2024/09/api.html",
    terms="free with attribution",
    attribution="OECD, Monetary aggregates; original source: People's Bank of China",
    verified="documented",
    verified_against=(
        "hand-written answers in the documented shape (dimensions with codes and labels, UNIT_MULT 6: "
        "another project read 356,710,800 for June 2026, which is 356.7 trillion yuan). When a month comes "
        "out is believed, on the late side"
    ),
    refusal=no_table("the OECD"),
    connections=1,
)
