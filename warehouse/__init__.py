"""Keep the data: files and SQL."""
