"""Rows of `funding_rates`, one file per provider."""
