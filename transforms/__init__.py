"""Shape: pure functions from a provider's answer to rows."""
