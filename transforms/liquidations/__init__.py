"""Rows of `liquidations`, one file per provider."""
