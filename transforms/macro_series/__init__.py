"""Rows of `macro_series`, one file per provider."""
