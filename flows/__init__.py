"""The only package that uses the network, the clock or Prefect."""

import os

# Sources run in parallel and their frames are small: more Polars threads cost more than they gain (a fifth of the
# demo's processor time). Polars reads this when it is first imported. A value that is already set stays.
os.environ.setdefault("POLARS_MAX_THREADS", "1")
