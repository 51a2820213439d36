"""Bank for International Settlements: total assets of central banks, the People's Bank of China among them.

An area's answer is its whole history, in three units and two treatments of breaks, each line with a long remark. It
comes late: the newest month is about three months old.
"""

from datetime import date

from expectations.datasets.macro_series import MACRO_SERIES
from flows.refusals import no_table
from flows.source import FOR_EVER, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.macro_series.bis import BANKS

HOST = "stats.bis.org"
ASSETS = f"https://{HOST}/api/v2/data/dataflow/BIS/WS_CBTA/1.0"
WHOLE_HISTORY = 36_600  # days: more than any series has

FIRST_DAYS = {"CN": date(2002, 1, 1), "JP": date(1998, 4, 1), "US": date(2002, 12, 1), "XM": date(1999, 1, 1)}


def plan_assets(ask: Ask) -> Plan:
    """One area's whole history."""
    area = ask.series.symbol
    yield Request(f"{ASSETS}/M.{area}", params={"format": "csv"}, form="csv", labels={"area": area})


SOURCE = Source(
    name="bis",
    feeds=(
        Feed(
            MACRO_SERIES,
            plan_assets,
            tuple(Series(bank.series, area, FIRST_DAYS[area], bank.release) for area, bank in BANKS.items()),
            days_per_ask=WHOLE_HISTORY,
            restates_for=FOR_EVER,  # months are restated for years back
            whole_history=True,
        ),
    ),
    limits={HOST: Limit(30, 60, burst=4)},  # none published
    docs="https://stats.bis.org/api-doc/v2/",
    terms="free; cite the BIS",
    attribution="Bank for International Settlements, central bank total assets",
    verified="documented",
    verified_against=(
        "hand-written answers with the columns, the unit and the words of an answer that another project "
        "recorded in 2026 (China, in billions of yuan: 48,380.69 in May 2026). That both treatments of "
        "breaks come in one answer, and on which day a month comes out, is believed"
    ),
    refusal=no_table("the BIS"),
    connections=1,
)
