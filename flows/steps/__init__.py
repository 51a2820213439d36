"""The steps of a run, one module each. A batch passes through them in order."""
