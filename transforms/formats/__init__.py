"""Formats that several providers share, and rows that several datasets of one kind share."""
