"""The publishers of FRED's series: the New York Fed, the Treasury and the Board, asked directly."""

import io
import tracemalloc
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from expectations.interval import Interval
from expectations.releases import is_bank_day, is_market_day, is_office_day
from flows.simulator import Misbehaviour, Simulator, instants
from flows.simulator.pages import treasury as treasury_page
from flows.source import Source
from flows.sources import fed, fred, nyfed, sources, treasury
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.tool import SHARED, Tool
from transforms import payload
from transforms.formats.sdmx import series_of
from transforms.macro_series import fed as fed_release
from transforms.macro_series.fred import normalize as of_fred
from transforms.macro_series.nyfed import OPERATIONS, RATES
from transforms.macro_series.treasury import STATEMENTS, YIELDS

pytestmark = [pytest.mark.slow, pytest.mark.marts("global_liquidity")]

NIGHT = datetime(2025, 1, 3, 23, 45, tzinfo=UTC)
ALL_ROWS = "select source, series, date, amount, rate_apr, available_at from core.macro_series"
WITNESSES = [
    ("nyfed", "rrp"),
    ("nyfed", "effective_rate"),
    ("nyfed", "target_low"),
    ("nyfed", "target_high"),
    ("treasury", "yield_3m"),
    ("treasury", "yield_1y"),
    ("fed", "fed_assets"),
    ("fed", "tga"),
    ("fed", "rrp"),
]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def gathered_rows(wire: Wire, source: Source, series: str, first: date, last: date) -> pl.DataFrame:
    ask = ask_of(source, "macro_series", series, first, last, now=NIGHT)
    rows = rows_of(source.name, "macro_series", drive(feed_of(source, "macro_series"), ask, wire.fetch))
    return rows.filter(pl.col("series") == series)  # as the pipeline does


# What is asked -------------------------------------------------------------------------------------------------------


def test_operations_are_asked_for_by_days_and_never_for_more_than_a_year() -> None:
    ask = ask_of("nyfed", "macro_series", "rrp", date(2024, 12, 1), date(2024, 12, 9))
    (asked,) = walk(nyfed.plan_search(ask), [{}])
    assert asked.address == (
        "https://markets.newyorkfed.org/api/rp/reverserepo/propositions/search.json"
        "?startDate=2024-11-21&endDate=2024-12-09"
    )
    longest = ask_of("nyfed", "macro_series", "rrp", date(2024, 1, 1), date(2024, 12, 15))
    assert len(longest.days) == nyfed.MOST_DAYS
    (asked,) = walk(nyfed.plan_search(longest), [{}])
    bounds = [date.fromisoformat(str(asked.params[name])) for name in ("startDate", "endDate")]
    assert (bounds[1] - bounds[0]).days < 365


def test_the_rate_and_its_range_are_one_answer() -> None:
    asks = [ask_of("nyfed", "macro_series", name) for name in ("effective_rate", "target_low", "target_high")]
    asked = [next(nyfed.plan_search(ask)) for ask in asks]
    assert len({one.identity for one in asked}) == 1
    assert {one.shared for one in asked} == {True}
    assert [dict(feed_of(nyfed.SOURCE, "macro_series").requests(ask)) for ask in asks] == [{nyfed.HOST: 1}, {}, {}]


def test_statements_are_asked_for_page_by_page() -> None:
    ask = ask_of("treasury", "macro_series", "tga_daily", date(2024, 12, 1), date(2024, 12, 9))
    pages = [{"data": [], "links": {"next": "&page%5Bnumber%5D=2"}}, {"data": [], "links": {"next": None}}]
    asked = walk(treasury.plan_series(ask), pages)
    assert [one.params["page[number]"] for one in asked] == [1, 2]
    assert asked[0].params["filter"] == "record_date:gte:2024-11-21,record_date:lte:2024-12-09"
    assert asked[0].url.endswith("/v1/accounting/dts/operating_cash_balance")


def test_statements_that_never_end_are_not_asked_for_forever() -> None:
    ask = ask_of("treasury", "macro_series", "tga_daily")
    page = {"data": [], "links": {"next": "&page%5Bnumber%5D=2"}}
    with pytest.raises(PayloadChanged, match="expected at most 20 pages"):
        walk(treasury.plan_series(ask), [page] * 30)


def test_yields_are_asked_for_by_years_and_once_for_both_maturities() -> None:
    asks = [
        ask_of("treasury", "macro_series", name, date(2024, 1, 3), date(2024, 1, 8))
        for name in ("yield_3m", "yield_1y")
    ]
    asked = [walk(treasury.plan_series(ask), [b"", b""]) for ask in asks]
    assert [one.url.split("/")[-2] for one in asked[0]] == ["2023", "2024"]
    assert [one.identity for one in asked[0]] == [one.identity for one in asked[1]]
    assert all(one.shared for one in asked[0])
    assert [dict(treasury.count_requests(ask)) for ask in asks] == [{treasury.YIELDS_HOST: 2}, {}]


def test_the_release_is_asked_for_once_for_all_of_its_lines() -> None:
    asks = [ask_of("fed", "macro_series", name) for name in ("fed_assets", "tga", "rrp")]
    asked = [next(fed.plan_release(ask)) for ask in asks]
    assert {one.address for one in asked} == {"https://www.federalreserve.gov/releases/h41/data/FRB_h41_xml.zip"}
    assert all(one.shared for one in asked)
    assert [dict(fed.count_requests(ask)) for ask in asks] == [{fed.HOST: 1}, {}, {}]


def test_a_file_of_fred_may_come_in_a_zip_archive() -> None:
    """As for several series at once; the archive also has a note, which is not read."""
    text = "observation_date,RRPONTSYD\n2024-12-06,143.2\n2024-12-09,149.987\n"
    told = payload.decode(packed({"README.txt": b"Daily", "daily.csv": text.encode()}), "csv")
    rows = of_fred(told, fred_id="RRPONTSYD")
    assert rows["amount"].to_list() == [143.2e9, 149.987e9]
    with pytest.raises(PayloadChanged, match=r"expected one member .csv in the zip file, found 2"):
        payload.decode(packed({"daily.csv": text.encode(), "weekly.csv": text.encode()}), "csv")


def h41(multiplier: str, value: str = "6896000") -> bytes:
    """The release with one week of each line, in units of this multiplier."""
    about = f'FREQ="19" UNIT_MULT="{multiplier}" CURRENCY="USD"'
    week = f'<Obs OBS_STATUS="A" OBS_VALUE="{value}" TIME_PERIOD="2024-12-04"/>'
    lines = [f'<Series SERIES_NAME="{name}" {about}>{week}</Series>' for name in fed_release.SERIES.values()]
    return f"<DataSet>{''.join(lines)}</DataSet>".encode()


@pytest.mark.parametrize("multiplier", ["1000000", "1e+06", "1000000.0", "1E6"])
def test_a_multiplier_is_compared_as_a_number(multiplier: str) -> None:
    rows = fed_release.normalize(h41(multiplier))
    assert rows.filter(series="fed_assets")["amount"].to_list() == [6896000e6]
    assert fed_release.normalize(h41(multiplier, "6.896e+06"))["amount"].to_list() == [6896000e6] * 3


@pytest.mark.parametrize("multiplier", ["1000", "1e+09", "", "millions", "nan"])
def test_another_multiplier_is_refused(multiplier: str) -> None:
    with pytest.raises(PayloadChanged, match="expected millions for RESPPMA_N"):
        fed_release.normalize(h41(multiplier))


# The rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "series"), WITNESSES)
def test_a_witness_tells_what_fred_tells(wire: Wire, source: str, series: str) -> None:
    """The same statistic on the same day from FRED and from its publisher, in the same unit."""
    days = date(2024, 1, 10), date(2024, 12, 20)
    mine = gathered_rows(wire, sources()[source], series, *days)
    theirs = gathered_rows(wire, fred.SOURCE, series, *days)
    value = pl.coalesce("amount", "rate_apr")
    joined = mine.select("date", mine=value).join(theirs.select("date", theirs=value).drop_nulls(), on="date")
    # On a Wednesday that is a holiday no operation is held, and that of the day before is still open.
    alone = set(mine["date"]) - set(joined["date"])
    assert alone == ({date(2024, 6, 19)} if (source, series) == ("fed", "rrp") else set())
    assert mine["date"].is_unique().all()
    assert mine.height > 40
    assert joined.filter((pl.col("mine") - pl.col("theirs")).abs() > 1e-9 * pl.col("theirs").abs()).is_empty()
    assert broken_rules("macro_series", mine) == set()
    release = ask_of(source, "macro_series", series).series.release
    expected = [day for day in Interval.of_days(*days) if release.expects(day)]
    assert mine["date"].to_list() == expected


def test_the_target_of_december_2024(wire: Wire) -> None:
    rows = gathered_rows(wire, nyfed.SOURCE, "target_high", date(2024, 12, 17), date(2024, 12, 20))
    assert rows.select("date", "rate_apr").rows() == [
        (date(2024, 12, 17), pytest.approx(0.0475)),
        (date(2024, 12, 18), pytest.approx(0.0475)),
        (date(2024, 12, 19), pytest.approx(0.045)),
        (date(2024, 12, 20), pytest.approx(0.045)),
    ]


@pytest.mark.parametrize("page", [10_000, 9, 7])
def test_statements_come_exactly_once_through_all_names_of_the_account(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(treasury, "PAGE", page)
    monkeypatch.setattr(treasury, "MOST_PAGES", 10_000)
    spans = [(date(2021, 9, 20), date(2021, 10, 8)), (date(2022, 4, 11), date(2022, 4, 22))]
    value = wire.simulator._market.macro.series["WDTGAL"].value
    for first, last in spans:
        rows = gathered_rows(wire, treasury.SOURCE, "tga_daily", first, last)
        days = [day for day in Interval.of_days(first, last) if is_office_day(day)]
        assert rows["date"].to_list() == days
        assert rows["amount"].to_list() == [float(value(instants.number_of(day))) * 1e6 for day in days]
    assert instants.number_of(date(2022, 4, 18)) == treasury_page.THIRD_NAME


def test_the_cash_on_a_wednesday_is_that_of_the_balance_sheet(wire: Wire) -> None:
    days = date(2024, 11, 1), date(2024, 12, 20)
    daily = gathered_rows(wire, treasury.SOURCE, "tga_daily", *days)
    weekly = gathered_rows(wire, fed.SOURCE, "tga", *days)
    joined = weekly.join(daily, on="date", suffix="_daily")
    assert joined.height == weekly.height == 7
    assert joined.filter(pl.col("amount") != pl.col("amount_daily")).is_empty()


def test_a_day_of_both_kinds_of_year(wire: Wire) -> None:
    rows = gathered_rows(wire, treasury.SOURCE, "yield_1y", date(2023, 12, 28), date(2024, 1, 3))
    assert rows["date"].to_list() == [date(2023, 12, 28), date(2023, 12, 29), date(2024, 1, 2), date(2024, 1, 3)]


# When it is public ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "day", "public"),
    [
        (OPERATIONS, date(2024, 12, 6), "Fri 06 Dec 2024 18:30"),
        (RATES, date(2024, 12, 6), "Mon 09 Dec 2024 14:00"),
        (RATES, date(2024, 11, 27), "Fri 29 Nov 2024 14:00"),
        (RATES, date(2020, 7, 3), "Mon 06 Jul 2020 14:00"),  # banks worked, offices did not
        (STATEMENTS, date(2024, 12, 6), "Mon 09 Dec 2024 21:00"),
        (STATEMENTS, date(2020, 7, 2), "Mon 06 Jul 2020 21:00"),
        (YIELDS, date(2024, 12, 9), "Tue 10 Dec 2024 00:15"),
    ],
)
def test_when_a_value_is_public(release: object, day: date, public: str) -> None:
    assert f"{release.public_at(day):%a %d %b %Y %H:%M}" == public  # type: ignore[attr-defined]


def test_which_days_have_a_value() -> None:
    good_friday, bridge = date(2024, 3, 29), date(2020, 7, 3)
    assert [release.expects(good_friday) for release in (OPERATIONS, RATES, STATEMENTS, YIELDS)] == [
        False,
        True,
        True,
        False,
    ]
    assert [release.expects(bridge) for release in (OPERATIONS, RATES, STATEMENTS, YIELDS)] == [
        False,
        True,
        False,
        False,
    ]
    assert [release.expects(date(2018, 12, 5)) for release in (OPERATIONS, RATES)] == [False, True]
    assert not any(release.expects(date(2024, 11, 28)) for release in (OPERATIONS, RATES, STATEMENTS, YIELDS))


def test_who_is_open_while_others_are_closed() -> None:
    for day in Interval(date(2013, 1, 1), date(2030, 1, 1)):
        assert is_office_day(day) <= is_bank_day(day), day
        assert is_market_day(day) <= is_office_day(day) or day == date(2021, 6, 18), day


RECORDED = SHARED / "recordings" / "fred" / "fredgraph_RRPONTSYD.csv"


@pytest.mark.skipif(not RECORDED.exists(), reason="no ../shared/recordings")
def test_operations_are_held_on_the_days_on_which_fred_has_one() -> None:
    recorded = pl.read_csv(RECORDED, try_parse_dates=True).rename({"observation_date": "date", "RRPONTSYD": "billions"})
    held = set(recorded.drop_nulls("billions")["date"])
    days = [day for day in Interval.of_days(date(2019, 5, 1), date(2026, 7, 31)) if OPERATIONS.expects(day)]
    assert [day for day in days if day not in held] == []
    # Before some holidays on a Saturday dealers trade; such a Friday may have a value or none.
    extra = sorted(day for day in held if day >= days[0] and not OPERATIONS.expects(day))
    assert extra == [date(2021, 12, 31), date(2023, 11, 10)]


@pytest.mark.parametrize(
    ("source", "series", "before", "after"),
    [
        ("nyfed", "rrp", datetime(2024, 12, 9, 18, 14, tzinfo=UTC), datetime(2024, 12, 9, 18, 15, tzinfo=UTC)),
        ("nyfed", "effective_rate", datetime(2024, 12, 10, 13, 59, tzinfo=UTC), datetime(2024, 12, 10, 14, tzinfo=UTC)),
        ("treasury", "tga_daily", datetime(2024, 12, 10, 20, 59, tzinfo=UTC), datetime(2024, 12, 10, 21, tzinfo=UTC)),
        ("treasury", "yield_1y", datetime(2024, 12, 9, 22, 59, tzinfo=UTC), datetime(2024, 12, 9, 23, tzinfo=UTC)),
    ],
)
def test_a_day_that_is_not_out_has_no_row(source: str, series: str, before: datetime, after: datetime) -> None:
    with Simulator(now=before) as served:
        wire = Wire(served)
        days = date(2024, 12, 2), date(2024, 12, 9)
        assert gathered_rows(wire, sources()[source], series, *days)["date"][-1] == date(2024, 12, 6)
        served.now = after
        assert gathered_rows(wire, sources()[source], series, *days)["date"][-1] == date(2024, 12, 9)


# What goes wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "series", "body", "kind"),
    [
        ("nyfed", "rrp", {"error": "Service Unavailable"}, SourceUnavailable),
        ("treasury", "tga_daily", {"error": "Invalid Query Param"}, SourceRefused),
        ("treasury", "yield_1y", b"\n<!DOCTYPE html>", SourceUnavailable),
        ("fed", "tga", b"<html>", SourceUnavailable),
    ],
)
def test_an_error_inside_a_success_is_an_error(source: str, series: str, body: object, kind: type[Exception]) -> None:
    request = next(feed_of(sources()[source], "macro_series").plan(ask_of(source, "macro_series", series)))
    assert type(sources()[source].refusal(answer(request, body))) is kind


@pytest.mark.parametrize(
    ("source", "series", "key"),
    [
        ("nyfed", "rrp", "totalAmtAccepted"),
        ("nyfed", "rrp", "operations"),
        ("nyfed", "effective_rate", "percentRate"),
        ("treasury", "tga_daily", "open_today_bal"),
        ("treasury", "tga_daily", "links"),
    ],
)
def test_a_renamed_field_is_noticed(wire: Wire, source: str, series: str, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour(r"newyorkfed|fiscaldata", "shape", "always", key=key, rename="other")])
    ask = ask_of(source, "macro_series", series, now=NIGHT)
    gathered = drive(feed_of(sources()[source], "macro_series"), ask, wire.fetch)
    if gathered.error is not None:
        assert isinstance(gathered.error, PayloadChanged)
        return
    with pytest.raises(PayloadChanged, match="expected"):
        rows_of(source, "macro_series", gathered)


def packed(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def test_the_data_of_a_release_is_found_among_its_files() -> None:
    whole = packed({"H41_struct.xml": b"<s/>", "frb_common.xsd": b"", "H41_data.xml": b"<data/>"})
    assert payload.decode(whole, "sdmx") == b"<data/>"
    with pytest.raises(PayloadChanged, match=r"expected one member _data\.xml in the zip file, found 2"):
        payload.decode(packed({"a_data.xml": b"", "b_data.xml": b""}), "sdmx")


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "MOST_UNPACKED_XML", 1000)
    with pytest.raises(PayloadChanged, match="expected at most 1,000 bytes in the zip file's member, found more"):
        payload.decode(packed({"H41_data.xml": b"x" * 1001}), "sdmx")


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    ],
)
def test_a_document_type_is_refused(document: bytes) -> None:
    with pytest.raises(PayloadChanged, match="without a document type"):
        series_of(document, ["A"], "NAME")


def test_a_long_file_is_read_as_a_stream() -> None:
    """Only the wanted series is held: another one of a hundred thousand observations takes no memory."""
    other = b'<x:Series NAME="B">' + b'<y:Obs V="1"/>' * 100_000 + b"</x:Series>"
    document = b"<d>" + other + b'<x:Series NAME="A"><y:Obs V="2"/></x:Series></d>'
    tracemalloc.start()
    found = series_of(document, ["A"], "NAME")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == {"A": ({"NAME": "A"}, [{"V": "2"}])}
    assert peak < 2_000_000


def test_of_an_answer_for_several_series_each_takes_its_own(simulator: Simulator, tmp_path: Path) -> None:
    simulator.misbehave([])
    tool = Tool(tmp_path / "home", simulator.url, sources="fed,nyfed,treasury", now=NIGHT, start="2024-12-01")
    simulator.counts.clear()
    said = tool("backfill", "2024-12-01", "2024-12-31")
    assert said.code == 0, said.err
    assert dict(simulator.counts) == {fed.HOST: 1, nyfed.HOST: 2, treasury.CASH_HOST: 1, treasury.YIELDS_HOST: 1}
    before = tool.ask(f"{ALL_ROWS} order by all")
    loaded = tool.ask(
        "select source, series, count(*) from ops.ledger where state = 'loaded' group by all order by all"
    )
    assert tool.ask(f"select source, series, count(*) from ({ALL_ROWS}) group by all order by all") == loaded
    assert {(source, series) for source, series, _ in loaded} == {*WITNESSES, ("treasury", "tga_daily")}
    # One archived answer for several series is read again for each of them.
    said = tool("backfill", "2024-12-01", "2024-12-31", "--mode", "replay")
    assert said.code == 0, said.err
    assert tool.ask(f"{ALL_ROWS} order by all") == before
    assert tool.one("select count(*) from ops.restatements") == 0
