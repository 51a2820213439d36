"""The cases of one dataset per file, and the tests that no other dataset has."""
