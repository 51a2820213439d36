"""Rows of `borrow_rates`, one file per provider."""
