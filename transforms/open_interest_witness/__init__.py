"""Rows of `open_interest_witness`, one file per provider."""
