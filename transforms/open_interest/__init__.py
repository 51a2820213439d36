"""Rows of `open_interest`, one file per provider."""
