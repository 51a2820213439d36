"""Keep: files and SQL."""
