"""Every fixture: a whole answer in the archive's own format, and beside it the rows or the error expected of it.

`tests/fixtures/<source>/<dataset>/<case>.json` is what `Snapshot.dump` gives, `<case>.csv` the rows, `<case>.error` the
class of the error and a part of its sentence. All are written by hand in the shape that the provider documents; no
number in them is data. `inside_the_zip` has the text of a zip file whose body is base64.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from expectations import errors
from expectations.contract import Dataset, datasets
from flows.clock import Clock
from flows.http import error_in
from flows.source import Gathered, Source
from flows.sources import sources
from flows.steps.normalize import normalize
from flows.steps.replay import archived_answer
from tests.asking import ask_of
from tests.tool import ROOT
from warehouse.store.archive import Snapshot

FIXTURES = ROOT / "tests" / "fixtures"
CASES = sorted(FIXTURES.glob("*/*/*.json"))
FEEDS = [
    pytest.param(source, feed.dataset, id=f"{source.name}-{feed.dataset.name}")
    for source in sources().values()
    for feed in source.feeds
]


def load(case: Path) -> tuple[dict[str, Any], Snapshot]:
    facts = json.loads(case.read_text(encoding="utf-8"))
    try:
        return facts, Snapshot.load(facts)
    except ValueError as wrong:
        raise AssertionError(f"{case.name}: {wrong}: python -m tests.fixture puts a body in, with its hash") from wrong


def rows_of(snapshot: Snapshot) -> pl.DataFrame:
    """What the pipeline does with an answer: it is checked for a refusal, then read by its transform."""
    source, dataset = sources()[snapshot.source], datasets()[snapshot.dataset]
    answer = archived_answer("fixture@0+0", snapshot)
    headers = {name.title(): value for name, value in snapshot.headers.items()}
    problem = error_in(answer, headers, source.refusal, Clock(snapshot.observed_at))
    if problem is not None:
        raise problem
    ask = ask_of(source, dataset.name, snapshot.series, now=snapshot.observed_at)
    read = normalize(dataset, source.name, Gathered(ask, (answer,), None))
    assert read.select("observed_at", "snapshot").unique().rows() in ([], [(snapshot.observed_at, "fixture@0+0")])
    return read.select(list(dataset.schema()))


def expected_rows(case: Path, dataset: Dataset) -> pl.DataFrame:
    text = pl.read_csv(case, infer_schema=False)
    instants = [name for name, kind in dataset.schema().items() if isinstance(kind, pl.Datetime)]
    flags = [name for name, kind in dataset.schema().items() if kind == pl.Boolean()]
    days = [name for name, kind in dataset.schema().items() if kind == pl.Date()]
    return text.with_columns(
        pl.col(instants).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC"),
        pl.col(flags) == "true",
        pl.col(days).str.to_date("%Y-%m-%d"),
    ).cast(dataset.schema())


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.with_suffix("").parts[-3:]))
def test_every_answer_gives_the_rows_or_the_error_beside_it(case: Path) -> None:
    facts, snapshot = load(case)
    assert (snapshot.source, snapshot.dataset) == case.parts[-3:-1]
    rows, refused = case.with_suffix(".csv"), case.with_suffix(".error")
    assert rows.exists() != refused.exists(), f"expected {rows.name} or {refused.name} beside {case.name}"
    if rows.exists():
        assert_frame_equal(rows_of(snapshot), expected_rows(rows, datasets()[snapshot.dataset]), rel_tol=1e-14)
        return
    name, sentence = refused.read_text(encoding="utf-8").splitlines()
    with pytest.raises(errors.PipelineError) as raised:
        rows_of(snapshot)
    assert type(raised.value).__name__ == name
    assert sentence in str(raised.value)
    asked_to_wait = float(snapshot.headers["retry-after"]) if "retry-after" in facts["headers"] else None
    assert getattr(raised.value, "retry_after", None) == asked_to_wait


PUBLISHED = {"macro_series", "exchange_rates", "meeting_probabilities"}


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.parts[-2] in PUBLISHED and case.with_suffix(".csv").exists()],
    ids=lambda case: "-".join(case.with_suffix("").parts[-3:]),
)
def test_what_is_public_by_rule_is_public_when_the_release_says_and_the_rest_earlier(case: Path) -> None:
    """A series with `by_rule` gets its instants from its release; the rows of another have them."""
    _, snapshot = load(case)
    feeds = [feed for feed in sources()[snapshot.source].feeds if feed.dataset.name == snapshot.dataset]
    known = {series.name: series for series in feeds[0].series}
    rows = rows_of(snapshot)
    for row in rows.iter_rows(named=True):
        name = row.get("series") or row.get("currency") or f"{row['meeting_date']}"
        series = known[name]
        usual = series.release.public_at(row["date"])
        assert row["available_at"] == usual if series.by_rule else row["available_at"] < usual, (name, row)


@pytest.mark.parametrize(("source", "dataset"), FEEDS)
def test_every_feed_has_answers_that_are_read_and_answers_that_are_refused(source: Source, dataset: Dataset) -> None:
    folder = FIXTURES / source.name / dataset.name
    read = [case for case in folder.glob("*.csv") if case.with_suffix(".json").exists()]
    refused = [case for case in folder.glob("*.error") if case.with_suffix(".json").exists()]
    assert any(len(case.read_text(encoding="utf-8").splitlines()) > 1 for case in read), (
        f"{source.name} feeds {dataset.name}: put an answer and its rows into {folder.relative_to(FIXTURES)}"
    )
    assert refused, f"{source.name} feeds {dataset.name}: show an answer that is refused"


def test_nothing_lies_beside_the_fixtures() -> None:
    known = {case.with_suffix("") for case in CASES}
    assert {path.with_suffix("") for path in FIXTURES.rglob("*.*")} == known
    assert {case.parts[-3:-1] for case in CASES} == {
        (source.name, feed.dataset.name) for source in sources().values() for feed in source.feeds
    }


def test_fixtures_are_small_and_as_the_archive_writes_them() -> None:
    for case in CASES:
        facts, snapshot = load(case)
        facts.pop("inside_the_zip", None)
        assert facts == snapshot.dump(), case
        assert len(snapshot.body) < 4_000, case


def test_what_a_zip_hides_is_shown_beside_it() -> None:
    hidden = [case for case in CASES if "inside_the_zip" in load(case)[0]]
    assert hidden
    for case in hidden:
        facts, snapshot = load(case)
        with zipfile.ZipFile(io.BytesIO(snapshot.body)) as archive:
            assert {archive.read(name).decode() for name in archive.namelist()} == {facts["inside_the_zip"]}, case
