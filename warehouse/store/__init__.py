"""Storage: the home, the archive, the lake and the ledger."""
