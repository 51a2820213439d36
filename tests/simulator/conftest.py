"""The servers that the tests of the simulator ask."""

from collections.abc import Iterator

import pytest

from tests.simulator.client import Client, served


@pytest.fixture(scope="session")
def world() -> Iterator[Client]:
    """One server for every test that only asks; nobody may change it."""
    yield from served()


@pytest.fixture
def own() -> Iterator[Client]:
    """A server of the test alone, which may set its time and make it misbehave."""
    yield from served()
