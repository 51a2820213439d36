"""The verbs of a run, one module each, in the order in which a batch goes through them."""
