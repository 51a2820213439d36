"""Interest rates of exchanges that do not state the period."""

import polars as pl

from expectations.contract import Dataset, Range

ENOUGH_HOURS = 20

_MEAN, _LAST, _MAX, _SAMPLES = (pl.col(name) for name in ("rate_mean", "rate_last", "rate_max", "samples"))

UNCONFIRMED_RATES = Dataset(
    name="unconfirmed_rates",
    meaning="An interest rate on a borrowed or lent asset at an exchange, in a unit that is not known yet.",
    grain="one asset at one venue on one UTC day",
    key=("date", "asset", "venue"),
    columns=("date", "asset", "venue", "rate_mean", "rate_max", "rate_last", "samples"),
    nullable=frozenset({"rate_max", "samples"}),
    checks=(
        # In any unit, nobody has paid a hundred times the loan.
        Range("rate_mean is between 0 and 100", _MEAN, low=0, high=100),
        Range("rate_last is between 0 and 100", _LAST, low=0, high=100),
        Range("rate_max is not below rate_mean", _MAX / _MEAN, low=1 - 1e-9),
        Range("rate_max is not below rate_last", _MAX / _LAST, low=1),
        Range("samples are those of 20 hours or more", _SAMPLES, low=ENOUGH_HOURS),
    ),
    caveats=(
        "The unit is not known. No mart reads this table; it is kept because the providers drop old values.",
        "Compare a row with borrow_rates of the same day and asset to see which unit would make it plausible.",
        "Gate calls it the rate for this hour; one user takes KuCoin's, which is what lenders get, as per day.",
    ),
    sparse=True,
)
