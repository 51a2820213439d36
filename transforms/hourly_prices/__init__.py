"""Rows of `hourly_prices`, one file per provider."""
