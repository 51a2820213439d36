"""Rows of `exchange_rates`, one file per provider."""
