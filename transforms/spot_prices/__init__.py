"""Rows of `spot_prices`, one file per provider."""
