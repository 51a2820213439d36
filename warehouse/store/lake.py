"""Checked rows as versions: a changed row is a new version, the old one stays.

A partition is one file of one dataset and source for a month (a year if the dataset is sparse) and holds every
version of its rows. What was known at an instant is a filter.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.contract import Dataset
from expectations.errors import StorageDamaged
from warehouse.store.files import digest, move_in, read_whole, stage
from warehouse.store.ledger import ABSENT

FILE = "part.parquet"


@dataclass(frozen=True)
class Stamp:
    """What a publication stamps on its new versions.

    Attributes:
        recorded_at: When it publishes.
        run_id: The run; ties in time are ordered by it.
        changed: The cause of a changed value: `source_changed`, or `method_changed` for a replay.
    """

    recorded_at: datetime
    run_id: str
    changed: str = "source_changed"

    @property
    def replayed(self) -> bool:
        """Whether the rows come from a replay, so that changes are due to our method, not to the provider."""
        return self.changed == "method_changed"

    @property
    def gone(self) -> str:
        """The cause of a row that is gone: the provider withdrew it, or our method no longer finds it."""
        return self.changed if self.replayed else "withdrawn"

    def late(self, *, rebuilt: bool) -> str:
        """The cause of a new row on a settled day; when a lost partition is rebuilt, it counts as first."""
        if not self.replayed:
            return "late_data"
        return "first" if rebuilt else self.changed


def month_of(dataset: Dataset, day: pl.Expr) -> pl.Expr:
    """The name of the partition folder that a day belongs to."""
    if dataset.sparse:
        return pl.format("year={}", day.dt.strftime("%Y"))
    return pl.format("month={}", day.dt.strftime("%Y-%m"))


def latest(versions: pl.DataFrame, key: Iterable[str]) -> pl.DataFrame:
    """The newest version of each key, withdrawn ones included."""
    return versions.sort("recorded_at", "run_id").unique([*key], keep="last", maintain_order=True)


def as_known(versions: pl.DataFrame, dataset: Dataset, instant: datetime) -> pl.DataFrame:
    """The rows as known at an instant: the newest version recorded by then, unless withdrawn, sorted by key."""
    known = latest(versions.filter(pl.col("recorded_at") <= instant), ("source", *dataset.key))
    return known.filter(~pl.col("withdrawn")).sort("source", *dataset.key)


def merge(
    dataset: Dataset, held: pl.DataFrame, incoming: pl.DataFrame, scope: pl.DataFrame, stamp: Stamp
) -> pl.DataFrame:
    """The versions that a complete answer adds to those that are held. Pure.

    Args:
        dataset: The promise.
        held: All versions held in these partitions, in the lake's schema.
        incoming: The answer's rows in the lake's schema; recorded_at, run_id and cause are stamped here.
        scope: The series-days that the answer covers: series, date, observed_at, snapshot, and `settled`, whether they
            were published or found empty before. Rows held for these days that the answer lacks are withdrawn; all
            other rows are left as they are.
        stamp: When, by which run, and why.

    Returns:
        New versions only, in the lake's schema; none if nothing changed.
    """
    key = list(dataset.key)
    spoken_for = ["series", "date"]
    before = latest(held, key)
    compared = list(dataset.compared)
    beside = before.select(*key, *(pl.col(name).alias(f"{name}_held") for name in (*compared, "withdrawn")))
    joined = incoming.join(scope.select(*spoken_for, "settled"), on=spoken_for, how="inner").join(
        beside, on=key, how="left"
    )
    is_new = pl.col("withdrawn_held").is_null()
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_held")) for name in compared)
    returned = pl.col("withdrawn_held").fill_null(value=False)
    fresh = joined.filter(is_new | differs | returned).with_columns(
        cause=pl.when(~is_new)
        .then(pl.lit(stamp.changed))
        .when(pl.col("settled"))
        .then(pl.lit(stamp.late(rebuilt=held.is_empty())))
        .otherwise(pl.lit("first")),
        withdrawn=pl.lit(value=False),
    )
    gone = (
        before.filter(~pl.col("withdrawn"))
        .drop("observed_at", "snapshot")
        .join(scope.select(*spoken_for, "observed_at", "snapshot"), on=spoken_for, how="inner")
        .join(incoming.select(key), on=key, how="anti")
        .with_columns(cause=pl.lit(stamp.gone), withdrawn=pl.lit(value=True))
    )
    columns = list(dataset.lake_columns)
    stamped = {"recorded_at": pl.lit(stamp.recorded_at), "run_id": pl.lit(stamp.run_id)}
    schema = dataset.lake_schema()
    return pl.concat([part.with_columns(**stamped).select(columns).cast(schema) for part in (fresh, gone)])


class Lake:
    """The partitions of a home."""

    def __init__(self, root: Path, staging: Path) -> None:
        self.root = root
        self.staging = staging

    def place(self, dataset: Dataset, source: str, month: str) -> Path:
        """The path of a partition."""
        return self.root / dataset.name / f"source={source}" / month / FILE

    def name(self, path: Path) -> str:
        """The name of a partition in messages and in the ledger."""
        return path.relative_to(self.root).as_posix()

    def read(
        self,
        path: Path,
        dataset: Dataset,
        announced: Mapping[str, frozenset[str]],
        *,
        may_be_missing: bool = False,
    ) -> pl.DataFrame:
        """All versions of a partition; none if the file does not exist and does not have to.

        Args:
            path: The file.
            dataset: Its promise.
            announced: Partition name to the hashes that the ledger allows; `ABSENT`: no file.
            may_be_missing: Whether an announced file may be missing, because it is being rebuilt.

        Raises:
            StorageDamaged: The file is missing, or not one that we wrote.
        """
        hashes = announced.get(self.name(path), frozenset({ABSENT}))
        if (may_be_missing or ABSENT in hashes) and not path.exists():
            return pl.DataFrame(schema=dataset.lake_schema())
        content = self.verified(path, hashes)
        try:
            frame = pl.DataFrame(pq.read_table(pa.BufferReader(content)))
            # A column that was added after the file was written is unknown in it.
            later = {name: pl.lit(None) for name in dataset.nullable if name not in frame.columns}
            return frame.with_columns(**later).select(dataset.lake_columns).cast(dataset.lake_schema())
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as broken:
            raise StorageDamaged(self.damage(path, str(broken))) from broken

    def verified(self, path: Path, hashes: frozenset[str]) -> bytes:
        """The bytes of a partition, if the ledger announced their hash."""
        if not path.exists():
            raise StorageDamaged(self.damage(path, "it is missing"))
        content = read_whole(path, what="a lake partition")
        if digest(content) not in hashes:
            raise StorageDamaged(self.damage(path, "its SHA-256 is not one that the ledger knows"))
        return content

    def undecided(self, announced: Mapping[str, frozenset[str]]) -> dict[str, str]:
        """What a killed run left in place, for every partition for which the ledger allows more than one state.

        Args:
            announced: Partition name to the hashes that the ledger allows.

        Returns:
            Partition name to the hash of the existing file, `ABSENT` if there is none. A file that was not announced is
            left out; `verified` reports it.
        """
        decided = {}
        for name, hashes in announced.items():
            if len(hashes) > 1:
                path = self.root / name
                content = digest(path.read_bytes()) if path.exists() else ABSENT
                if content in hashes:
                    decided[name] = content
        return decided

    def damage(self, path: Path, found: str) -> str:
        """The message about a partition that is not what was written."""
        dataset, source, period, *_ = self.name(path).split("/")
        year, _, month = period.partition("=")[2].partition("-")
        last = f"{month}-{monthrange(int(year), int(month))[1]}" if month else "12-31"
        days = f"{year}-{month or '01'}-01 {year}-{last}"
        return (
            f"lake partition {self.name(path)} is damaged ({found}): restore it from a backup, or move it away and run "
            f"`tidemark backfill {days} --dataset {dataset} --source {source.partition('=')[2]} --mode replay`"
        )

    def stage(self, frame: pl.DataFrame, dataset: Dataset) -> tuple[Path, str]:
        """Write a partition to the staging folder; returns its path and hash."""
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(dataset.arrow_schema())
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
        content = sink.getvalue().to_pybytes()
        return stage(self.staging, content), digest(content)

    def move_in(self, staged: Path, place: Path) -> None:
        """Publish a staged partition."""
        move_in(staged, place)
