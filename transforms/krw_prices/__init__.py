"""Rows of `krw_prices`, one file per provider."""
