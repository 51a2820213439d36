"""Rows of `hourly_krw_prices`, one file per provider."""
