"""Rows of `stablecoin_supply`, one file per provider."""
