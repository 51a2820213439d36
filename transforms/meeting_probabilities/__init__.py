"""Rows of `meeting_probabilities`, one file per provider."""
