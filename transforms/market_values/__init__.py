"""Rows of `market_values`, one file per provider."""
