"""Real logs of Aave's pool, recorded by others in receipts: through the real decoding, and against each other.

As in `test_recordings`, nothing is collected where the folder is absent.
"""

import json
from typing import Any

import pytest

from expectations.errors import PayloadChanged
from tests.recordings.test_recordings import RECORDINGS
from transforms.formats.ethereum_rpc import SLOT_SECONDS, Block, Clock, address_of, words
from transforms.lending_rates.ethereum import AAVE_POOL, RAY, RESERVE_DATA_UPDATED, RESERVES, YEAR_SECONDS, updates_of

BLOCKS = Clock([Block(19_000_000, 0), Block(20_000_000, SLOT_SECONDS * 1_000_000)])


def logs(name: str) -> list[dict[str, Any]]:
    """The updates of Aave's main pool in a receipt."""
    receipt = json.loads((RECORDINGS / "aave" / f"receipt_eth_v3_{name}.json").read_bytes())["result"]
    return [log for log in receipt["logs"] if log["topics"][0] == RESERVE_DATA_UPDATED and log["address"] == AAVE_POOL]


@pytest.mark.parametrize(
    ("name", "asset", "block", "supply", "borrow"),
    [
        ("borrow", "USDC", 19_483_570, 0.10870557589272284, 0.13242820412670323),
        ("misc", "USDT", 19_574_459, 0.05992899311468644, 0.07383507586366622),
        ("misc_2", "USDT", 19_574_445, 0.059914844672248495, 0.07381783256562785),
    ],
)
def test_an_update_of_a_reserve(name: str, asset: str, block: int, supply: float, borrow: float) -> None:
    ((found, number, _, _, *rates),) = updates_of(logs(name), BLOCKS)
    assert (found, number) == (asset, block)
    assert rates[:2] == pytest.approx([supply, borrow], rel=1e-15)
    assert 1 < rates[2] < rates[3] < 1.1


def test_the_index_grew_at_the_rate_for_as_long_as_the_blocks_took() -> None:
    """Fourteen blocks lie between two updates of USDT: what the debts grew by says 168 seconds, at 7.38 % a year."""
    before, after = (words(logs(name)[0]["data"], 5) for name in ("misc_2", "misc"))
    seconds = (after[4] / before[4] - 1) * YEAR_SECONDS / (before[2] / RAY)
    assert seconds == pytest.approx(14 * SLOT_SECONDS, abs=0.01)
    # Deposits grew at their own rate, within what was paid for flash loans besides.
    assert (after[3] / before[3] - 1) * YEAR_SECONDS / (before[0] / RAY) == pytest.approx(14 * SLOT_SECONDS, rel=0.02)


@pytest.mark.parametrize("name", ["three_reserves", "deposit"])
def test_updates_of_other_reserves_are_not_taken_for_ours(name: str) -> None:
    found = logs(name)
    assert {address_of(log["topics"][1]) for log in found}.isdisjoint(RESERVES)
    with pytest.raises(PayloadChanged, match="expected a final log of"):
        updates_of(found, BLOCKS)


def test_updates_of_another_pool_are_refused() -> None:
    receipt = json.loads((RECORDINGS / "aave" / "receipt_eth_v3_three_reserves.json").read_bytes())["result"]
    spark = [log for log in receipt["logs"] if log["topics"][0] == RESERVE_DATA_UPDATED and log["address"] != AAVE_POOL]
    assert [log["address"] for log in spark] == ["0xc13e21b648a5ee794902342038ff3adab66be987"]
    with pytest.raises(PayloadChanged, match="expected ReserveDataUpdated of Aave's pool"):
        updates_of(spark, BLOCKS)
