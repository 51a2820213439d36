"""Stablecoins in circulation, coin by coin and chain by chain."""

from dataclasses import dataclass
from datetime import date

from flows.simulator.curve import Character, Curve
from flows.simulator.instants import number_of
from flows.simulator.seeded_random import key_of

BASE_BEGAN = date(2023, 9, 5)  # the first day with stablecoins on the chain named Base


@dataclass(frozen=True)
class Coin:
    """A stablecoin of the script.

    Attributes:
        name: Its full name.
        symbol: Its ticker.
        gecko_id: Its name at CoinGecko.
        launched: The first day at whose end coins circulate.
        chains: The share of the supply on each chain, as a fraction; the first chain has the rest.
        billions: Supply in billions of tokens at the end of scripted days.
        backing: How its price is held at a dollar, in DefiLlama's words.
    """

    name: str
    symbol: str
    gecko_id: str
    launched: date
    chains: dict[str, float]
    billions: dict[date, float]
    backing: str = "fiat-backed"


_D = date
_WEEKS = (_D(2024, 11, 5), _D(2024, 11, 10), _D(2024, 11, 17), _D(2024, 11, 24), _D(2024, 12, 2), _D(2024, 12, 9))


def _late_2024(*billions: float) -> dict[date, float]:
    """Supply around the turning points of late 2024: the peak week ends on 2024-11-24."""
    return dict(zip(_WEEKS, billions, strict=True))


COINS: dict[str, Coin] = {
    "1": Coin(
        "Tether", "USDT", "tether", _D(2017, 11, 29),
        {"Ethereum": 0, "Tron": 0.47, "BSC": 0.03, "Solana": 0.008, "Arbitrum": 0.02},
        {
            _D(2017, 11, 29): 0.67, _D(2019, 6, 1): 3.2, _D(2020, 7, 1): 9.6, _D(2021, 1, 1): 21.0,
            _D(2021, 6, 1): 62.0, _D(2022, 5, 1): 83.0, _D(2022, 8, 1): 66.0, _D(2023, 6, 1): 83.3,
            _D(2024, 1, 1): 91.7, _D(2024, 4, 1): 104.5, _D(2024, 7, 1): 112.7, _D(2024, 10, 1): 119.6,
            **_late_2024(120.3, 122.2, 127.0, 132.3, 135.4, 138.0),
            _D(2024, 12, 15): 140.0, _D(2024, 12, 31): 138.8,
        },
    ),
    "2": Coin(
        "USD Coin", "USDC", "usd-coin", _D(2018, 9, 10),
        {"Ethereum": 0, "Solana": 0.07, "Arbitrum": 0.05, "BSC": 0.02, "Base": 0.07},
        {
            _D(2018, 9, 10): 0.01, _D(2019, 6, 1): 0.35, _D(2021, 1, 1): 4.0, _D(2022, 1, 1): 42.0,
            _D(2022, 7, 1): 55.0, _D(2023, 6, 1): 29.0, _D(2024, 1, 1): 24.5, _D(2024, 4, 1): 32.3,
            _D(2024, 7, 1): 32.3, _D(2024, 10, 1): 35.2,
            **_late_2024(35.0, 35.9, 36.9, 38.9, 40.3, 41.0), _D(2024, 12, 31): 43.8,
        },
    ),
    "4": Coin(
        "Binance USD", "BUSD", "binance-usd", _D(2019, 9, 5), {"Ethereum": 0, "BSC": 0.3},
        {
            _D(2019, 9, 5): 0.01, _D(2021, 1, 1): 1.1, _D(2022, 11, 1): 23.0, _D(2023, 6, 1): 5.2,
            _D(2023, 12, 1): 1.6, _D(2024, 6, 1): 0.07,
            **_late_2024(0.065, 0.065, 0.064, 0.064, 0.063, 0.063),
        },
    ),
    "5": Coin(
        "Dai", "DAI", "dai", _D(2019, 11, 18), {"Ethereum": 0, "Arbitrum": 0.03, "BSC": 0.02},
        {
            _D(2019, 11, 18): 0.02, _D(2021, 1, 1): 1.2, _D(2022, 2, 1): 9.8, _D(2023, 6, 1): 4.7,
            _D(2024, 1, 1): 5.3, _D(2024, 6, 1): 5.3, _D(2024, 9, 17): 5.3, _D(2024, 10, 20): 4.6,
            **_late_2024(4.4, 4.3, 4.1, 4.0, 3.85, 3.7), _D(2024, 12, 31): 3.4,
        },
        "crypto-backed",
    ),
    "6": Coin(
        "Frax", "FRAX", "frax", _D(2020, 12, 16), {"Ethereum": 0, "Arbitrum": 0.02, "BSC": 0.01},
        {
            _D(2020, 12, 16): 0.01, _D(2022, 3, 1): 2.7, _D(2023, 6, 1): 1.0, _D(2024, 1, 1): 0.65,
            **_late_2024(0.646, 0.646, 0.646, 0.646, 0.646, 0.646),
        },
        "algorithmic",
    ),
    "7": Coin(
        "TrueUSD", "TUSD", "true-usd", _D(2018, 3, 6), {"Ethereum": 0, "Tron": 0.6, "BSC": 0.02},
        {
            _D(2018, 3, 6): 0.01, _D(2021, 1, 1): 0.3, _D(2023, 6, 1): 2.0, _D(2023, 9, 15): 3.1,
            _D(2024, 3, 1): 1.2, _D(2024, 6, 1): 0.5, **_late_2024(0.495, 0.495, 0.495, 0.495, 0.495, 0.495),
        },
    ),
    "11": Coin(
        "Pax Dollar", "USDP", "paxos-standard", _D(2018, 9, 10), {"Ethereum": 0},
        {
            _D(2018, 9, 10): 0.01, _D(2022, 1, 1): 0.95, _D(2023, 6, 1): 0.9, _D(2024, 1, 1): 0.37,
            **_late_2024(0.12, 0.12, 0.12, 0.12, 0.118, 0.118),
        },
    ),
    "14": Coin(
        "USDD", "USDD", "usdd", _D(2022, 5, 5), {"Tron": 0, "Ethereum": 0.02, "BSC": 0.02},
        {
            _D(2022, 5, 5): 0.05, _D(2022, 6, 10): 0.72, _D(2024, 1, 1): 0.73,
            **_late_2024(0.76, 0.76, 0.757, 0.755, 0.75, 0.75),
        },
        "crypto-backed",
    ),
    "118": Coin(
        "GHO", "GHO", "gho", _D(2023, 7, 15), {"Ethereum": 0},
        {
            _D(2023, 7, 15): 0.002, _D(2024, 1, 1): 0.035, _D(2024, 6, 1): 0.08,
            **_late_2024(0.16, 0.162, 0.165, 0.168, 0.172, 0.177),
        },
        "crypto-backed",
    ),
    "119": Coin(
        "First Digital USD", "FDUSD", "first-digital-usd", _D(2023, 6, 1), {"Ethereum": 0, "BSC": 0.25},
        {
            _D(2023, 6, 1): 0.01, _D(2023, 9, 1): 0.4, _D(2024, 1, 1): 1.8, _D(2024, 4, 1): 3.2,
            _D(2024, 8, 1): 2.1, **_late_2024(2.15, 2.15, 2.05, 2.05, 1.95, 1.98),
        },
    ),
    "120": Coin(
        "PayPal USD", "PYUSD", "paypal-usd", _D(2023, 8, 7), {"Ethereum": 0, "Solana": 0.35},
        {
            _D(2023, 8, 7): 0.027, _D(2024, 1, 1): 0.26, _D(2024, 6, 1): 0.4, _D(2024, 8, 26): 1.0,
            **_late_2024(0.56, 0.53, 0.505, 0.505, 0.51, 0.505),
        },
    ),
    "146": Coin(
        "Ethena USDe", "USDe", "ethena-usde", _D(2023, 11, 24),
        {"Ethereum": 0, "BSC": 0.01, "Arbitrum": 0.01},
        {
            _D(2023, 11, 24): 0.001, _D(2024, 1, 15): 0.12, _D(2024, 3, 1): 0.6, _D(2024, 4, 15): 2.36,
            _D(2024, 7, 1): 3.6, _D(2024, 10, 1): 2.5, **_late_2024(2.75, 2.85, 3.15, 3.85, 4.70, 5.30),
            _D(2024, 12, 31): 5.87,
        },
        "crypto-backed",
    ),
    "209": Coin(
        "Sky Dollar", "USDS", "usds", _D(2024, 9, 18), {"Ethereum": 0, "Base": 0.01},
        {
            _D(2024, 9, 18): 0.05, _D(2024, 10, 20): 0.75,
            **_late_2024(0.95, 1.05, 1.25, 1.35, 1.50, 1.65), _D(2024, 12, 31): 1.9,
        },
        "crypto-backed",
    ),
    "250": Coin(
        "Ripple USD", "RLUSD", "ripple-usd", _D(2024, 12, 17), {"Ethereum": 0},
        {_D(2024, 12, 17): 0.02, _D(2024, 12, 31): 0.072, _D(2025, 4, 1): 0.25, _D(2025, 9, 1): 0.7},
    ),
    "262": Coin(
        "World Liberty Financial USD", "USD1", "usd1-wlfi", _D(2025, 3, 25), {"BSC": 0, "Ethereum": 0.1},
        {_D(2025, 3, 25): 0.003, _D(2025, 4, 30): 0.13, _D(2025, 5, 10): 2.1, _D(2025, 9, 1): 2.5},
    ),
    "286": Coin(
        "Global Dollar", "USDG", "global-dollar", _D(2024, 11, 4), {"Ethereum": 0, "Solana": 0.05},
        {_D(2024, 11, 4): 0.01, _D(2024, 11, 20): 0.032, _D(2024, 12, 9): 0.032, _D(2025, 6, 1): 0.3},
    ),
}  # fmt: skip

_STEADY = Character(wobble=0.00012, drift=0.05)


class Stablecoins:
    """The supply of each coin at the end of a UTC day."""

    def __init__(self, seed: int) -> None:
        self._supply: dict[str, Curve] = {}
        self._share: dict[tuple[str, str], Curve] = {}
        for coin_id, coin in COINS.items():
            pillars = {day: billions * 1e9 for day, billions in coin.billions.items()}
            self._supply[coin_id] = Curve(f"supply {coin_id}", pillars, _STEADY, seed=seed)
            for chain, share in coin.chains.items():
                if share > 0:
                    wander = Character(wobble=0.001, drift=0.1, high=share * 1.5)
                    name = f"share {key_of(coin_id, chain)}"
                    self._share[coin_id, chain] = Curve(name, {_D(2024, 6, 1): share}, wander, seed=seed)

    def began(self, coin_id: str, chain: str) -> int:
        """The first day at whose end the coin is on the chain, as days since 1970."""
        launched = COINS[coin_id].launched
        return number_of(max(launched, BASE_BEGAN) if chain == "Base" else launched)

    def chains(self, coin_id: str, day: int) -> dict[str, int]:
        """Tokens on each chain at the end of a day; their sum is the supply."""
        coin = COINS[coin_id]
        total = round(self._supply[coin_id].at(day))
        first, *others = coin.chains
        amounts = {
            chain: round(total * self._share[coin_id, chain].at(day))
            for chain in others
            if day >= self.began(coin_id, chain)
        }
        return {first: total - sum(amounts.values()), **amounts}
