"""Lineage: from a number back to its inputs, and the catalog."""
