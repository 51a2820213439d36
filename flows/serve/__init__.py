"""The Prefect integration: the server, the runner, and the artifacts of a run."""
