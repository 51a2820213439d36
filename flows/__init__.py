"""Carry: the only package that touches the network, the clock or Prefect."""
