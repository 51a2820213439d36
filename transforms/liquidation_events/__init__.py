"""Rows of `liquidation_events`, one file per provider."""
