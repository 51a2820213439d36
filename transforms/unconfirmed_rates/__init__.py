"""Rows of `unconfirmed_rates`, one file per provider."""
