"""The charts of the brief, as data: what each shows, from which mart, and how to read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from warehouse.reports.charts import REGIMES, Kind, Panel, Points, draw

DAYS = 365


@dataclass(frozen=True)
class Line:
    """One series of a chart.

    Attributes:
        name: Its name in the legend.
        table: The mart.
        value: The drawn value, as an SQL aggregate over the rows of a day.
        where: Which rows, as an SQL condition.
    """

    name: str
    table: str
    value: str
    where: str = "true"


@dataclass(frozen=True)
class Plot:
    """One pair of axes; the fields after the lines are those of `Panel`."""

    lines: tuple[Line, ...]
    unit: str
    kind: Kind = "line"
    zero: bool = False
    height: float = 1.0
    colours: tuple[int, ...] = (1, 2, 3)


@dataclass(frozen=True)
class Picture:
    """One chart of a section.

    Attributes:
        section: The section that it belongs to.
        title: What it shows.
        plots: From top to bottom.
        reading: How to read it.
        regimes: Whether the regimes are drawn as a strip behind the first plot.
    """

    section: str
    title: str
    plots: tuple[Plot, ...]
    reading: str
    regimes: bool = False

    @property
    def tables(self) -> str:
        """The marts that it is drawn from."""
        return ", ".join(dict.fromkeys(line.table for plot in self.plots for line in plot.lines))


@dataclass(frozen=True)
class Chart:
    """A drawn picture with the text that explains it."""

    title: str
    svg: str
    reading: str
    tables: str


def _aave(asset: str) -> Line:
    where = f"asset = '{asset}' and protocol = 'aave-v3' and chain = 'ethereum'"
    return Line(f"{asset} on Aave", "lending_rates_daily", "max(supply_apr)", where)


def _coins(table: str, value: str) -> tuple[Line, Line]:
    return (Line("bitcoin", table, value, "asset = 'BTC'"), Line("ether", table, value, "asset = 'ETH'"))


PICTURES = (
    Picture(
        "gauge",
        "The gauge over a year",
        (
            Plot(
                (Line("heat", "leverage_gauge", "max(heat)"), Line("fuel", "leverage_gauge", "max(fuel)")),
                "percent",
                height=1.3,
                colours=(5, 3),
            ),
        ),
        f"Heat above fuel: bets run ahead of what feeds them. The strip behind is the regime ({', '.join(REGIMES)}).",
        regimes=True,
    ),
    Picture(
        "prices",
        "Prices, and how far below their peak",
        (
            Plot((Line("bitcoin", "asset_daily", "max(close_usd)", "asset = 'BTC'"),), "usd"),
            Plot((Line("ether", "asset_daily", "max(close_usd)", "asset = 'ETH'"),), "usd"),
            Plot(_coins("asset_daily", "max(drawdown)"), "percent", zero=True, height=0.8),
        ),
        "Above: closes. Below: the distance to the highest price held.",
    ),
    Picture(
        "leverage",
        "Open interest, and what longs pay",
        (
            Plot(
                _coins("open_interest_total", "max(open_interest_index)"),
                "plain",
            ),
            Plot(_coins("funding_daily", "avg(funding_apr_7d order by venue)"), "percent", zero=True),
        ),
        "Above: futures open at the venues known daily, in coins, like for like, 100 on the first day held. "
        "Below: funding a year.",
    ),
    Picture(
        "rates",
        "What stablecoins cost and earn",
        (
            Plot(
                (
                    Line("USDT at the dearest exchange", "borrow_rates_daily", "max(borrow_apr)", "asset = 'USDT'"),
                    _aave("USDT"),
                    _aave("USDC"),
                ),
                "percent",
                height=1.3,
            ),
        ),
        "A spike: somebody needs dollars now, whatever they cost. Borrowing at an exchange, earnings on Aave; a year.",
    ),
    Picture(
        "korea",
        "Korean turnover in stablecoins",
        (
            Plot(
                (Line("won a day", "krw_stablecoin_daily", "sum(volume_krw order by venue, asset)"),),
                "krw",
                kind="bars",
            ),
        ),
        "Tall bars are retail frenzy; they count trades, not money that came in.",
    ),
    Picture(
        "premiums",
        "Premiums around zero",
        (
            Plot((Line("Coinbase", "premiums_daily", "max(coinbase_premium)", "asset = 'BTC'"),), "percent", zero=True),
            Plot((Line("Korea", "premiums_daily", "max(kimchi_premium_fx)", "asset = 'BTC'"),), "percent", zero=True),
        ),
        "Above zero, buyers there pay more for bitcoin than on Binance.",
    ),
    Picture(
        "stablecoins",
        "A week's issuance of stablecoins",
        (
            Plot(
                (Line("seven days", "stablecoin_flows_total", "max(net_issuance_7d_usd)"),),
                "usd",
                kind="bars",
                zero=True,
            ),
        ),
        "New dollars inside the system; below zero they were redeemed. Issuance is not inflow to exchanges.",
    ),
    Picture(
        "liquidity",
        "Global liquidity",
        (
            Plot((Line("four central banks", "global_liquidity", "max(central_banks_usd)"),), "usd"),
            Plot((Line("Federal Reserve", "global_liquidity", "max(fed_assets_usd)"),), "usd"),
        ),
        "By what was published on each day, so it comes in steps, and late.",
    ),
    Picture(
        "policy",
        "Hopes of rate cuts",
        (Plot((Line("cuts priced in", "policy_rates", "max(cuts_priced_1y)"),), "plain", zero=True),),
        "How many quarter-point cuts the one-year Treasury prices in: a proxy with a term premium in it.",
    ),
)


def charts(connection: duckdb.DuckDBPyConnection, day: date) -> dict[str, list[Chart]]:
    """The pictures of the year up to a day, by section; a picture without data is left out."""
    drawn: dict[str, list[Chart]] = {}
    for picture in PICTURES:
        panels = [_panel(connection, plot, day) for plot in picture.plots]
        bands = _regimes(connection, day) if picture.regimes else None
        svg = draw(f"chart-{picture.section}", panels, marked=day, bands=bands)
        if svg is not None:
            drawn.setdefault(picture.section, []).append(Chart(picture.title, svg, picture.reading, picture.tables))
    return drawn


def _panel(connection: duckdb.DuckDBPyConnection, plot: Plot, day: date) -> Panel:
    series = {line.name: _points(connection, line, day) for line in plot.lines}
    return Panel(
        {name: points for name, points in series.items() if points},
        plot.unit,
        kind=plot.kind,
        zero=plot.zero,
        height=plot.height,
        colours=plot.colours,
    )


def _points(connection: duckdb.DuckDBPyConnection, line: Line, day: date) -> Points:
    """A value for every day from the first known one; a day without a row is a gap in the line."""
    values: dict[date, float | None] = dict(
        connection.execute(
            f"select date, {line.value} from main.{line.table} "
            f"where date between $first and $day and ({line.where}) group by date",
            {"first": day - timedelta(days=DAYS), "day": day},
        ).fetchall()
    )
    if not values:
        return []
    start = min(values)
    days = (start + timedelta(days=n) for n in range((day - start).days + 1))
    return [(drawn_day, values.get(drawn_day)) for drawn_day in days]


def _regimes(connection: duckdb.DuckDBPyConnection, day: date) -> Mapping[date, str]:
    return dict(
        connection.execute(
            "select date, regime from main.leverage_gauge where regime is not null and date between $first and $day",
            {"first": day - timedelta(days=DAYS), "day": day},
        ).fetchall()
    )
