"""Rows of `unconfirmed_liquidations`, one file per provider."""
