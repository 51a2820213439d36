"""The Federal Reserve's own release H.4.1, as rows of `macro_series`."""

from datetime import time

import polars as pl

from expectations.errors import PayloadChanged
from expectations.releases import wednesdays_next_day
from transforms.formats.published import amounts
from transforms.formats.sdmx import number_of, series_of
from transforms.payload import column
from transforms.units import decimal_text, millions_to_units

# Thursdays at 16:30 in New York, 21:30 UTC in winter; we keep the later hour all year.
H41 = wednesdays_next_day(time(21, 30))

SERIES = {
    # Less what the Reserve Banks owe each other; RESPPA_N.WW would be their sum.
    "fed_assets": "RESPPMA_N.WW",
    "tga": "RESPPLLDT_N.WW",
    # With everyone but foreign official accounts, whose pool is another line.
    "rrp": "RESPPLLRD_N.WW",
}
UNIT = {"FREQ": "19", "CURRENCY": "USD"}  # 19: on Wednesdays
MILLIONS = 1e6
KNOWN = "A"


def normalize(payload: bytes) -> pl.DataFrame:
    """Turn the release's whole history into one row per Wednesday of each series.

    An observation is stamped with the Wednesday at whose end the level held. Amounts are in millions of dollars; the
    file states the unit, which is checked. An observation whose status is not `A` has no value: it holds a number like
    -9999 instead.

    Args:
        payload: The bytes of `H41_data.xml`.

    Returns:
        Rows of `macro_series` for `fed_assets`, `tga` and `rrp`, in USD.
    """
    lines = series_of(payload, SERIES.values(), "SERIES_NAME")
    frames = []
    for ours, theirs in SERIES.items():
        about, observations = lines[theirs]
        odd = {name: about.get(name) for name, value in UNIT.items() if about.get(name) != value}
        if odd:
            raise PayloadChanged(f"expected {UNIT} for {theirs}, found {odd}")
        if number_of(about.get("UNIT_MULT")) != MILLIONS:
            raise PayloadChanged(f"expected millions for {theirs}, found UNIT_MULT {about.get('UNIT_MULT')}")
        listed = pl.DataFrame(
            [
                column(name, [observation.get(name) for observation in observations], pl.String)
                for name in ("TIME_PERIOD", "OBS_STATUS", "OBS_VALUE")
            ]
        )
        if listed.null_count().sum_horizontal().item():
            raise PayloadChanged(f"expected a day, a status and a value in each observation of {theirs}")
        value = pl.when(pl.col("OBS_STATUS") == KNOWN).then(pl.col("OBS_VALUE"))
        values = listed.select(
            date=pl.col("TIME_PERIOD").str.to_date("%Y-%m-%d"), amount=millions_to_units(decimal_text(value))
        )
        frames.append(amounts(values, series=ours, available_at=H41.available_at(values["date"])))
    return pl.concat(frames)
