"""The glossary: one meaning, type and unit per column name, split by theme."""
