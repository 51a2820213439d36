"""From a number back to what it rests on, and the catalog that says so."""
