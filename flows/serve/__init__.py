"""What knows Prefect: the server, the runner, and how a run shows itself there."""
