"""One promise per file."""
