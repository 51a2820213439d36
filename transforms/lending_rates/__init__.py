"""Rows of `lending_rates`, one file per provider."""
