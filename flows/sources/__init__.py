"""One provider per file; the folder is the list."""
