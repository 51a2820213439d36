"""Carry: the only package that touches the network, the clock or Prefect."""

import os

# Sources work side by side and their frames are small: a second thread for each costs more than it brings (a fifth of
# the demo's processor time). Polars reads this when it is first imported; whoever sets it otherwise has their way.
os.environ.setdefault("POLARS_MAX_THREADS", "1")
