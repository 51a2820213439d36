"""The archive: what was stored is read back as it was, or an error names it as damaged."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.errors import HomeRefused, StorageDamaged
from warehouse.store.archive import Archive, Recorder, Snapshot

NOW = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
ADDRESS = "https://data-api.binance.vision/api/v3/klines?symbol=BTCUSDT"
SNAPSHOT = Snapshot(
    source="binance",
    dataset="spot_prices",
    series="BTC",
    method="GET",
    url=ADDRESS,
    request_body=None,
    status=200,
    headers={"Content-Type": "application/json"},
    observed_at=NOW,
    body=b"[1, 2.50, null]",
    form="json",
    transform="normalize",
    labels={"asset": "BTC"},
)


def recorder(root: Path, run_id: str = "000001") -> Recorder:
    return Recorder(Archive(root), run_id, NOW)


def store(root: Path, *bodies: bytes) -> list[str]:
    writer = recorder(root)
    places = [writer.archive(replace(SNAPSHOT, body=body)) for body in bodies]
    writer.close()
    return places


def only_file(root: Path) -> Path:
    (path,) = root.rglob("*.zst")
    return path


@settings(max_examples=60)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_every_body_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    root = tmp_path_factory.mktemp("raw")
    (place,) = store(root, body)
    assert Archive(root).read(place) == replace(SNAPSHOT, body=body)


@pytest.mark.parametrize("body", [b"", b"\x00\xff\xfe", b"PK\x03\x04\x80", "₩1,400\r\n".encode(), b"\xef\xbb\xbfa,b\n"])
def test_text_and_binary_bodies_come_back_with_their_question(tmp_path: Path, body: bytes) -> None:
    asked = replace(SNAPSHOT, body=body, method="POST", request_body='{"a": 1}', transform=None, status=404, form="zip")
    writer = recorder(tmp_path)
    place = writer.archive(asked)
    writer.close()
    found = Archive(tmp_path).read(place)
    assert found == asked
    assert found.identity == ("POST", SNAPSHOT.url, '{"a": 1}')


def test_damage_of_any_byte_is_noticed_and_the_snapshot_named(tmp_path: Path) -> None:
    place, last = store(tmp_path, b'{"price": 1}', b'{"price": 2}')
    path = only_file(tmp_path)
    whole = path.read_bytes()
    archive = Archive(tmp_path)
    begin = int(last.partition("@")[2].partition("+")[0])
    for position in range(begin):
        for flipped in (0x01, 0x80):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ flipped]) + whole[position + 1 :])
            with pytest.raises(StorageDamaged) as damage:
                archive.read(place)
            assert place in str(damage.value)
            assert "refetch" in str(damage.value)
            assert archive.read(last).body == b'{"price": 2}'


@pytest.mark.parametrize("place", ["nowhere@0+10", "2024-12/000001@5+10", "2024-12/000001@0+1", "2024-12/000001", ""])
def test_a_place_where_no_answer_is_is_named(tmp_path: Path, place: str) -> None:
    store(tmp_path, b"1")
    with pytest.raises(StorageDamaged, match="is damaged"):
        Archive(tmp_path).read(place)


def test_a_torn_tail_is_passed_over_wherever_the_kill_came(tmp_path: Path) -> None:
    first, second = store(tmp_path, b"one", b"two")
    path = only_file(tmp_path)
    whole = path.read_bytes()
    begin = int(second.partition("@")[2].partition("+")[0])
    for end in range(begin, len(whole)):
        path.write_bytes(whole[:end])
        assert [(place, found.body) for place, found in Archive(tmp_path).scan("000001")] == [(first, b"one")]


def test_appending_after_a_torn_tail_leaves_all_whole_answers(tmp_path: Path) -> None:
    first, second = store(tmp_path, b"one", b"two")
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    (third,) = store(tmp_path, b"three")
    assert third.partition("@")[2].partition("+")[0] == second.partition("@")[2].partition("+")[0]
    assert [place for place, _ in Archive(tmp_path).scan("000001")] == [first, third]
    assert Archive(tmp_path).read(third).body == b"three"


def test_a_damaged_answer_in_the_middle_of_a_run_is_not_passed_over(tmp_path: Path) -> None:
    first, second, _ = store(tmp_path, b"one", b"two", b"three")
    path = only_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[int(second.partition("@")[2].partition("+")[0]) + 30] ^= 4
    path.write_bytes(bytes(content))
    scanned = Archive(tmp_path).scan("000001")
    assert next(scanned)[0] == first
    with pytest.raises(StorageDamaged, match=second.replace("+", r"\+")):
        next(scanned)


def test_thousands_of_answers_are_one_file_that_any_decoder_reads(tmp_path: Path) -> None:
    bodies = [b"%d" % number for number in range(3000)]
    places = store(tmp_path, *bodies)
    assert len(set(places)) == len(places)
    path = only_file(tmp_path)
    assert path.relative_to(tmp_path).as_posix() == "2024-12/000001.jsonl.zst"
    with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
        lines = stream.read().splitlines()
    assert [orjson.loads(line)["body"].encode() for line in lines] == bodies
    assert Archive(tmp_path).read(places[1234]).body == b"1234"


def test_threads_share_one_recorder(tmp_path: Path) -> None:
    writer = recorder(tmp_path)
    bodies = [bytes([number % 256]) * (number * 7 % 900) for number in range(400)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        places = list(pool.map(lambda body: writer.archive(replace(SNAPSHOT, body=body)), bodies))
        writer.sync()
    writer.close()
    archive = Archive(tmp_path)
    assert [archive.read(place).body for place in places] == bodies
    assert {place for place, _ in archive.scan("000001")} == set(places)
    assert list(archive.scan("000002")) == []


def test_what_is_appended_can_be_read_before_the_run_ends(tmp_path: Path) -> None:
    writer = recorder(tmp_path)
    place = writer.archive(SNAPSHOT)
    assert Archive(tmp_path).read(place) == SNAPSHOT
    writer.close()
    writer.close()
    after = writer.archive(replace(SNAPSHOT, observed_at=NOW + timedelta(seconds=1)))
    writer.close()
    assert [found for found, _ in Archive(tmp_path).scan("000001")] == [place, after]


def test_a_run_without_answers_leaves_no_file(tmp_path: Path) -> None:
    writer = recorder(tmp_path / "raw")
    writer.sync()
    writer.close()
    assert not (tmp_path / "raw").exists()


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = recorder(tmp_path)
    place = writer.archive(SNAPSHOT)
    size = only_file(tmp_path).stat().st_size

    def full(descriptor: int, content: bytes, offset: int) -> int:
        if offset > size:
            raise OSError(28, "No space left on device")
        return write(descriptor, content[:5], offset)

    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(HomeRefused, match="No space left on device"):
        writer.archive(SNAPSHOT)
    monkeypatch.undo()
    assert only_file(tmp_path).stat().st_size == size
    after = writer.archive(SNAPSHOT)
    writer.close()
    assert [found for found, _ in Archive(tmp_path).scan("000001")] == [place, after]
