"""Where bytes lie: the home, the archive, the lake and the ledger."""
