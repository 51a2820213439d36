"""The DuckDB file: views, models in order, books, comments, swap."""
