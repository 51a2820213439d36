"""What every answer goes through: bytes to values, units, and rows that fit their promise."""

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.contract import Dataset, datasets
from expectations.errors import PayloadChanged
from flows.sources import sources
from transforms.assets import FOREVER, memberships
from transforms.conform import conform, said_empty
from transforms.exchange_rates import frankfurter
from transforms.macro_series import fred
from transforms.payload import (
    NUMBER_OR_TEXT,
    column,
    decode,
    member,
    members,
    numbers,
    rows,
    spelled,
    table,
    text_columns,
    text_fields,
)
from transforms.refused import REFUSED, told_once
from transforms.units import (
    billions_to_units,
    day_of,
    decimal_text,
    end_of,
    epoch_to_instant,
    millions_to_units,
    per_day_to_apr,
    per_second_to_apr,
    percent_to_fraction,
    require_hours,
    require_korean_midnights,
    require_midnights,
    seconds_to_instant,
    start_of,
    unless_empty,
)

INSTANT = pl.Datetime("us", "UTC")
FINITE = st.floats(-1e12, 1e12, allow_nan=False)


def applied(convert: Callable[[pl.Expr], pl.Expr], *values: object) -> list[Any]:
    return pl.DataFrame({"x": list(values)}).select(convert(pl.col("x"))).to_series().to_list()


# Units ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("convert", "theirs", "ours"),
    [
        (percent_to_fraction, 4.58, 0.0458),
        (percent_to_fraction, 0.0, 0.0),
        (percent_to_fraction, -0.5, -0.005),
        (millions_to_units, 6_896_500, 6.8965e12),
        (billions_to_units, 151.25, 1.5125e11),
        (per_day_to_apr, 0.0002, 0.073),
        (per_second_to_apr, 1e-9, 0.031536),
        (decimal_text, "0.00012359", 0.00012359),
        (decimal_text, "-1e-8", -1e-8),
    ],
)
def test_units(convert: Callable[[pl.Expr], pl.Expr], theirs: object, ours: float) -> None:
    assert applied(convert, theirs) == [pytest.approx(ours, rel=1e-15)]
    assert applied(convert, theirs, None)[1] is None


@given(FINITE)
def test_units_round_trip(value: float) -> None:
    near = pytest.approx(value, rel=1e-12, abs=1e-300)
    assert applied(percent_to_fraction, value)[0] * 100 == near
    assert applied(millions_to_units, value)[0] / 1e6 == near
    assert applied(billions_to_units, value)[0] / 1e9 == near
    assert applied(per_day_to_apr, value)[0] / 365 == near
    assert applied(decimal_text, repr(value)) == [value]


@given(st.datetimes(datetime(2009, 1, 3), datetime(2100, 1, 1)))  # noqa: DTZ001  hypothesis takes naive bounds
def test_instants_round_trip_from_seconds_milliseconds_and_microseconds(naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC)
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    assert applied(epoch_to_instant, since // timedelta(microseconds=1)) == [instant]
    thousandth = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    assert applied(epoch_to_instant, since // timedelta(milliseconds=1)) == [thousandth]
    assert applied(seconds_to_instant, since // timedelta(seconds=1)) == [instant.replace(microsecond=0)]


def test_milliseconds_and_microseconds_may_stand_in_one_file() -> None:
    both = applied(epoch_to_instant, 1735603200000, 1735689600000000)
    assert both == [datetime(2024, 12, 31, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)]


def test_the_bounds_of_a_day() -> None:
    last = datetime(2024, 12, 9, 23, 59, 59, 999_999, tzinfo=UTC)
    assert applied(day_of, last, last + timedelta(microseconds=1)) == [date(2024, 12, 9), date(2024, 12, 10)]
    assert applied(start_of, date(2024, 12, 9)) == [datetime(2024, 12, 9, tzinfo=UTC)]
    assert applied(end_of, date(2024, 12, 31)) == [datetime(2025, 1, 1, tzinfo=UTC)]


def test_empty_text_is_unknown_and_any_other_is_kept() -> None:
    assert applied(unless_empty, "0", "", None, " ") == ["0", None, None, " "]


def test_what_is_no_number_raises() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError):
        applied(decimal_text, "1,5")


@pytest.mark.parametrize("hour", [9, 15, 16])
def test_days_of_another_zone_are_refused(hour: int) -> None:
    stamps = [datetime(2024, 12, 9, tzinfo=UTC), datetime(2024, 12, 9, hour, tzinfo=UTC)]
    with pytest.raises(PayloadChanged, match=f"start at 00:00 UTC, found 2024-12-09 {hour:02}:00"):
        require_midnights(pl.DataFrame({"at": stamps}), "at")
    assert require_midnights(pl.DataFrame({"at": stamps[:1]}), "at").height == 1


@pytest.mark.parametrize("minute", [1, 30, 59])
def test_hours_that_start_within_an_hour_are_refused(minute: int) -> None:
    stamps = [datetime(2024, 12, 9, 15, tzinfo=UTC), datetime(2024, 12, 9, 16, minute, tzinfo=UTC)]
    with pytest.raises(PayloadChanged, match=f"start at a full hour, found 2024-12-09 16:{minute:02}:00"):
        require_hours(pl.DataFrame({"at": stamps}), "at")
    assert require_hours(pl.DataFrame({"at": stamps[:1]}), "at").height == 1


@pytest.mark.parametrize(
    ("require", "start", "step", "off"),
    [
        (require_midnights, datetime(2024, 12, 1, tzinfo=UTC), timedelta(days=1), timedelta(minutes=23)),
        (require_hours, datetime(2024, 12, 1, tzinfo=UTC), timedelta(hours=1), timedelta(seconds=14)),
        (require_korean_midnights, datetime(2024, 12, 1, 15, tzinfo=UTC), timedelta(days=1), timedelta(hours=-6)),
    ],
)
def test_an_odd_start_among_others_is_marked_and_another_boundary_is_refused(
    require: Callable[[pl.DataFrame, str], pl.DataFrame], start: datetime, step: timedelta, off: timedelta
) -> None:
    stamps = [start + number * step for number in range(9)]
    assert REFUSED not in require(pl.DataFrame({"at": stamps}), "at").columns
    assert require(pl.DataFrame({"at": []}, schema={"at": INSTANT}), "at").is_empty()
    for odd in ({4}, {0, 8}, {1, 2, 3, 5}):
        moved = [stamp + off if place in odd else stamp for place, stamp in enumerate(stamps)]
        marked = require(pl.DataFrame({"at": moved}), "at")
        reasons = [f"found {stamp:%Y-%m-%d %H:%M:%S}" if place in odd else None for place, stamp in enumerate(moved)]
        for said, expected in zip(marked[REFUSED], reasons, strict=True):
            assert (said is None) is (expected is None)
            assert said is None or expected in said
    for odd in ({0, 2, 4, 6, 8}, set(range(9))):
        moved = [stamp + off if place in odd else stamp for place, stamp in enumerate(stamps)]
        with pytest.raises(PayloadChanged, match=r"expected (days|hours) that start at"):
            require(pl.DataFrame({"at": moved}), "at")


def test_rows_of_one_stamp_are_marked_because_nothing_tells_which_is_right() -> None:
    frame = pl.DataFrame({"at": [1, 2, 2, 3, 3], "of": "a", "value": [1.0, 2.0, 2.5, 3.0, 3.0]})
    assert told_once(frame, "at", "of", thing="row for each stamp")[REFUSED].to_list() == [
        None,
        *["expected one row for each stamp, found several at 2"] * 2,
        None,  # the same value twice is no contradiction
    ]
    apart = frame.with_columns(of=pl.Series(["a", "a", "b", "a", "a"]))
    assert told_once(apart, "at", "of", thing="row for each stamp")[REFUSED].null_count() == 4


# Bytes to values -----------------------------------------------------------------------------------------------------


def packed(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "form", "expected"),
    [
        (b'{"a": [1, 2.5, null]}', "json", {"a": [1, 2.5, None]}),
        (b"a,b\n1,\n,x\n", "csv", [{"a": "1", "b": None}, {"a": None, "b": "x"}]),
        (b"a,b\r\n1,2\r\n", "csv", [{"a": "1", "b": "2"}]),
        (b'a,b\n"1,5",2', "csv", [{"a": "1,5", "b": "2"}]),
        (b"a,b\n", "csv", []),
        (b'\xef\xbb\xbf{"a": 1}', "json", {"a": 1}),
        (b"\xef\xbb\xbfa,b\n1,2\n", "csv", [{"a": "1", "b": "2"}]),
        (packed(one="\ufeffa,b\n1,2\n"), "zip", [{"a": "1", "b": "2"}]),
        (packed(one="\ufeff1,2\n"), "bare_zip", [{"0": "1", "1": "2"}]),
        (packed(one="a,b\n1,2\n"), "zip", [{"a": "1", "b": "2"}]),
        (packed(one="1,2\n3,\n"), "bare_zip", [{"0": "1", "1": "2"}, {"0": "3", "1": None}]),
        (packed(one="1,1\n"), "bare_zip", [{"0": "1", "1": "1"}]),
    ],
)
def test_bytes_become_documents_or_text_columns(body: bytes, form: Any, expected: object) -> None:
    decoded = decode(body, form)
    assert (decoded.to_dicts() if isinstance(decoded, pl.DataFrame) else decoded) == expected
    if isinstance(decoded, pl.DataFrame):
        assert set(decoded.dtypes) == {pl.String}


def test_a_hundred_whole_numbers_do_not_hide_the_fraction_after_them() -> None:
    text = "value\n" + "1\n" * 200 + "1.5\n"
    assert decode(text.encode(), "csv")["value"][-1] == "1.5"
    assert table([[1]] * 200 + [[1.5]], value=pl.Float64)["value"][-1] == 1.5
    with pytest.raises(PayloadChanged, match="expected Int64 in value, found"):
        table([[1]] * 200 + [[1.5]], value=pl.Int64)


@pytest.mark.parametrize(
    ("body", "form", "sentence"),
    [
        (b"<html>", "json", "expected JSON, found b'<html>'"),
        (b"", "json", "expected JSON"),
        (b'{"a": NaN}', "json", "expected JSON"),
        (b'{"a": 1', "json", "expected JSON"),
        (b"\xff\xfe", "json", "expected JSON"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "json", "expected JSON"),
        (b"\xef\xbb\xbf<html>", "csv", "expected CSV, found"),
        (b"\xef\xbb\xbf", "csv", "expected CSV with a header, found nothing"),
        (b"<!DOCTYPE html>", "csv", "expected CSV, found"),
        (b'  {"error": 1}', "csv", "expected CSV, found"),
        (b"", "csv", "expected CSV with a header, found nothing"),
        (b"\n\n", "csv", "expected CSV with a header, found nothing"),
        (b"PK\x03\x04\xff", "csv", "expected a zip file, found"),
        (b"a,b\n1,2,3\n", "csv", "expected lines of 2 fields"),
        (b"a,b\n1,2\n3", "csv", "expected lines of 2 fields"),
        (b"a,a\n1,2\n", "csv", "expected each column once"),
        (b'a,b\n1,"2', "csv", "expected CSV, found"),
        (b"a,b\n1,2\n", "zip", "expected a zip file, found"),
        (b"", "zip", "expected a zip file, found"),
        (packed(), "zip", "expected one member in the zip file, found 0"),
        (packed(one="a\n1\n", two="a\n2\n"), "zip", "expected one member in the zip file, found 2"),
        (packed(one="a\n12345\n").replace(b"12345", b"12346"), "zip", "expected a zip file"),
        (packed(one="<html>"), "zip", "expected CSV, found"),
        (packed(one=""), "bare_zip", "expected CSV with a line, found nothing"),
        (packed(one="1,2\n3\n"), "bare_zip", "expected lines of 2 fields"),
        (b"1,2\n", "bare_zip", "expected a zip file, found"),
    ],
)
def test_bytes_of_another_form_are_refused(body: bytes, form: Any, sentence: str) -> None:
    with pytest.raises(PayloadChanged) as refused:
        decode(body, form)
    assert sentence in str(refused.value)


TRADE = {"price": 1.5, "count": 2, "side": "buy"}


def trades(payload: object) -> pl.DataFrame:
    return rows(payload, price=pl.Float64, count=pl.Int64, side=pl.String)


def test_objects_become_rows_of_the_fields_that_are_asked_for() -> None:
    frame = trades([TRADE | {"new": "field"}, {"price": 1, "count": None, "side": None}])
    assert frame.to_dicts() == [TRADE, {"price": 1.0, "count": None, "side": None}]
    assert frame.schema == {"price": pl.Float64, "count": pl.Int64, "side": pl.String}
    assert trades([]).schema == frame.schema


@pytest.mark.parametrize(
    "payload",
    [
        [{"cost": 1.5, "count": 2, "side": "buy"}],  # renamed
        [TRADE, {"price": 1.5, "count": 2}],  # missing from a later row
        [TRADE | {"price": "1.5"}],
        [TRADE | {"price": True}],
        [TRADE | {"price": {"usd": 1.5}}],
        [TRADE | {"price": [1.5]}],
        [TRADE | {"count": 2.5}],
        [TRADE | {"count": "2"}],
        [TRADE | {"count": False}],
        [TRADE | {"count": 10**30}],
        [TRADE | {"side": 1}],
        [TRADE, [1.5, 2, "buy"]],
        ["abc"],
        [None],
        {"data": [TRADE]},
        {},
        None,
        "text",
    ],
)
def test_objects_of_another_shape_are_refused(payload: object) -> None:
    with pytest.raises(PayloadChanged, match="expected") as refused:
        trades(payload)
    assert "\n" not in str(refused.value)


def test_numbers_that_may_be_text_are_read_either_way() -> None:
    mixed = column("x", [1, "2644845344", 0.1, "1e-05", "", None, "-0.5", 10**17], NUMBER_OR_TEXT)
    assert mixed.to_list() == [1.0, 2644845344.0, 0.1, 1e-05, None, None, -0.5, 1e17]
    assert column("x", [], NUMBER_OR_TEXT).dtype == column("x", [1, 2.5], NUMBER_OR_TEXT).dtype == pl.Float64
    assert rows([{"x": 1}, {"x": "2"}], x=NUMBER_OR_TEXT)["x"].to_list() == [1.0, 2.0]


@pytest.mark.parametrize("odd", ["n/a", "1,5", "1_000", "0x10", True, "true", {"usd": 1}, ["1"]])
def test_what_is_neither_a_number_nor_its_text_is_refused(odd: object) -> None:
    for beside in (1, "1"):
        with pytest.raises(PayloadChanged, match="expected number or text in x, found"):
            column("x", [beside, odd], NUMBER_OR_TEXT)


def test_lists_become_rows_by_their_order() -> None:
    frame = table([[1, 2], [3, 4.5], [5, None]], first=pl.Int64, second=pl.Float64)
    assert frame.rows() == [(1, 2.0), (3, 4.5), (5, None)]
    assert table([], first=pl.Int64).schema == {"first": pl.Int64}


def test_lines_without_a_header_are_named_in_their_order() -> None:
    frame = decode(packed(one="1,2\n"), "bare_zip")
    assert text_fields(frame, "first", "second").to_dicts() == [{"first": "1", "second": "2"}]
    for payload, names in (
        (frame, ["first"]),
        (frame.rename({"0": "a"}), ["first", "second"]),
        ([["1", "2"]], ["a", "b"]),
    ):
        with pytest.raises(PayloadChanged, match="expected lines of"):
            text_fields(payload, *names)


@pytest.mark.parametrize(
    "payload",
    [
        [[1]],
        [[1, 2.0, 3]],
        [[1, 2.0], [1]],
        [[1.5, 2.0]],
        [["1", 2.0]],
        [[1, "2.0"]],
        [[1, True]],
        [{"first": 1, "second": 2}],
        [(1, 2.0), None],
        {"rows": []},
        None,
    ],
)
def test_lists_of_another_shape_are_refused(payload: object) -> None:
    with pytest.raises(PayloadChanged, match="expected"):
        table(payload, first=pl.Int64, second=pl.Float64)


def test_members_of_objects() -> None:
    assert member({"a": None}, "a") is None
    assert members({"a": {"b": 1}}, "a") == {"b": 1}
    others: tuple[object, ...] = ({"b": 1}, [], None, "a")
    for payload in others:
        with pytest.raises(PayloadChanged, match="expected an object with 'a', found"):
            member(payload, "a")
    insides: tuple[object, ...] = ([], None)
    for inside in insides:
        payload = {"a": inside}
        with pytest.raises(PayloadChanged, match="expected an object as 'a', found"):
            members(payload, "a")


def test_columns_of_a_file() -> None:
    frame = pl.DataFrame({"a": ["1"], "b": ["2"], "c": ["3"]})
    assert text_columns(frame, "c", "a").columns == ["c", "a"]
    for payload in (frame.rename({"a": "renamed"}), {"a": 1}, None):
        with pytest.raises(PayloadChanged, match=r"expected CSV columns \['a', 'b'\], found"):
            text_columns(payload, "a", "b")


def test_text_may_come_as_whole_numbers_where_that_is_said() -> None:
    assert spelled("x", ["202411", 202412, None, 0]).to_list() == ["202411", "202412", None, "0"]
    assert spelled("x", []).dtype == pl.String
    others: tuple[object, ...] = (True, 1.0, {}, [1])
    for value in others:
        with pytest.raises(PayloadChanged, match="expected String in x, found"):
            spelled("x", ["1", value])


def test_numbers_are_numbers() -> None:
    assert numbers("x", [1, 2.5, None]).to_list() == [1.0, 2.5, None]
    others: tuple[object, ...] = ("1", True, {}, [1])
    for value in others:
        with pytest.raises(PayloadChanged, match="expected Float64 in x, found"):
            numbers("x", [1.0, value])
    assert column("x", [], pl.Int64).dtype == pl.Int64


# Conform -------------------------------------------------------------------------------------------------------------

FUNDING = datasets()["funding_rates"]
PAYMENT: Mapping[str, Any] = {
    "date": date(2024, 12, 9),
    "settled_at": datetime(2024, 12, 9, 8, tzinfo=UTC),
    "asset": "BTC",
    "venue": "binance",
    "funding_rate": 1e-4,
    "interval_hours": 8,
    "stamped_at": None,
    "available_at": datetime(2024, 12, 9, 8, tzinfo=UTC),
}


def framed(*changes: Mapping[str, Any]) -> pl.DataFrame:
    made = [dict(PAYMENT) | dict(change) for change in changes]
    return pl.DataFrame(made, schema=dict(FUNDING.schema()))


def test_rows_come_out_in_the_promised_order_types_and_sorting() -> None:
    later = {"settled_at": datetime(2024, 12, 9, 16, tzinfo=UTC)}
    made = framed(later, {}).with_columns(pl.col("interval_hours").cast(pl.Int32))
    fitted = conform(made.select(sorted(made.columns)), FUNDING)
    assert fitted.schema == FUNDING.schema()
    assert fitted["settled_at"].to_list() == sorted(fitted["settled_at"])


def test_the_same_row_twice_is_one_and_two_rows_of_a_key_refuse_their_day() -> None:
    assert conform(framed({}, {}), FUNDING).height == 1
    with pytest.raises(PayloadChanged, match="several that differ"):
        conform(framed({}, {"funding_rate": 2e-4}), FUNDING)


def test_no_rows_conform() -> None:
    assert conform(framed(), FUNDING).height == 0


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (framed({}).drop("funding_rate"), "found missing ['funding_rate'], extra []"),
        (framed({}).with_columns(mark_price=1.0), "found missing [], extra ['mark_price']"),
        (
            framed({}).rename({"funding_rate": "rate"}),
            "expected the columns of funding_rates, found missing ['funding_rate'], extra ['rate']",
        ),
        (framed({}).drop("available_at"), "missing ['available_at']"),
        (framed({}).with_columns(funding_rate=pl.lit("much")), "expected the types of funding_rates"),
        (framed({}).with_columns(interval_hours=pl.lit("eight")), "expected the types of funding_rates"),
        (framed({"funding_rate": float("nan")}), "found NaN or infinity"),
        (framed({}, {"funding_rate": float("-inf")}), "found NaN or infinity"),
        (framed({"asset": None}), "expected known ['asset'] in funding_rates, found nulls"),
        (framed({"settled_at": None, "date": None}), "expected known ['settled_at', 'date']"),
        (framed({}, {"available_at": None}), "expected known ['available_at']"),
    ],
)
def test_rows_that_do_not_fit_are_refused(frame: pl.DataFrame, sentence: str) -> None:
    with pytest.raises(PayloadChanged) as refused:
        conform(frame, FUNDING)
    assert sentence in str(refused.value)


def test_an_unknown_value_is_no_matter_of_shape() -> None:
    assert conform(framed({"funding_rate": None}), FUNDING)["funding_rate"].to_list() == [None]


@pytest.mark.parametrize("dataset", datasets().values(), ids=list(datasets()))
def test_a_row_without_any_measure_says_that_nothing_is_there(dataset: Dataset) -> None:
    blank = pl.DataFrame([dict.fromkeys(dataset.schema())], schema=dict(dataset.schema()))
    assert blank.select(said_empty(dataset)).item() is True
    for name in dataset.measures:
        one = blank.with_columns(pl.lit(0.0).alias(name))
        assert one.select(said_empty(dataset)).item() is False, name


# What transforms declare ---------------------------------------------------------------------------------------------


def test_every_statistic_is_asked_for_and_named_once() -> None:
    (feed,) = sources()["fred"].feeds
    assert {series.symbol: series.name for series in feed.series} == {
        fred_id: statistic.name for fred_id, statistic in fred.STATISTICS.items()
    }
    assert len({statistic.name for statistic in fred.STATISTICS.values()}) == len(fred.STATISTICS)
    # The level of the Wednesday, to be subtracted from another Wednesday level; WTREGEN is a week's mean.
    assert "WTREGEN" not in fred.STATISTICS


def test_a_series_that_nobody_declared_is_no_statistic() -> None:
    with pytest.raises(KeyError):
        fred.normalize(pl.DataFrame({"observation_date": [], "M1SL": []}), fred_id="M1SL")


def test_the_fixing_is_stamped_with_the_rule_that_the_ledger_asks_by() -> None:
    (feed,) = sources()["frankfurter"].feeds
    assert {series.release for series in feed.series} == {frankfurter.PUBLISHED}


def test_every_asset_has_one_basket_at_a_time() -> None:
    baskets = memberships()
    assert baskets["asset"].is_unique().all()
    assert set(baskets["sector"]) <= {"major", "l1", "l2", "ai", "defi", "meme", "other"}
    assert baskets["valid_from"].unique().to_list() == [FOREVER]
    listed = {series.name for series in sources()["binance"].feeds[0].series}
    assert listed == set(baskets["asset"])
