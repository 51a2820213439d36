"""Interim builds: a slow source holds up nobody's page, and no build reads what is being written."""

import threading
from dataclasses import dataclass, field

import pytest

from flows.steps.interim import FIRST_AFTER, LEAST_APART, QUICK, Gate, Interim

SECONDS = {"quick": QUICK, "slow": QUICK + 1, "slower": 3600.0}


@dataclass
class Story:
    """A run by the second; time passes only where a test says so."""

    at: float = 0.0
    interim: Interim = field(init=False)

    def __post_init__(self) -> None:
        self.interim = Interim(SECONDS, lambda: self.at)

    def builds(self, at: float, *busy: str, published: int, takes: float = 0.0) -> bool:
        """Whether the run builds at a moment; if so, it takes some time."""
        self.at = at
        if not self.interim.is_due(set(busy), published):
            return False
        with self.interim.building(set(busy), published):
            self.at += takes
        return True


@pytest.fixture
def story() -> Story:
    return Story()


def test_the_first_build_comes_once_the_quick_sources_are_done(story: Story) -> None:
    assert not story.builds(10, "quick", "slow", "slower", published=2)
    assert story.builds(20, "slow", "slower", published=3)


def test_the_first_build_does_not_wait_for_a_quick_source_that_is_late(story: Story) -> None:
    assert not story.builds(FIRST_AFTER - 1, "quick", "slow", published=2)
    assert story.builds(FIRST_AFTER, "quick", "slow", published=2)
    assert not story.builds(FIRST_AFTER + 10, "quick", "slow", published=3)
    assert story.builds(FIRST_AFTER + 20, "slow", published=4)


def test_later_builds_take_a_small_share_of_the_run(story: Story) -> None:
    assert story.builds(20, "slow", published=3, takes=5)
    assert not story.builds(25 + LEAST_APART - 1, "slow", published=9)
    assert story.builds(25 + LEAST_APART, "slow", published=9, takes=60)
    assert not story.builds(25 + LEAST_APART + 60 + 599, "slow", published=20)
    assert story.builds(25 + LEAST_APART + 60 + 600, "slow", published=20)


def test_nothing_is_built_for_want_of_news_or_of_somebody_who_is_still_asked(story: Story) -> None:
    assert not story.builds(500, "slow", published=0)
    assert not story.builds(500, published=5)
    assert story.builds(500, "slow", published=5)
    assert not story.builds(5000, "slow", published=5)


def test_a_run_of_quick_sources_is_built_at_its_end_alone() -> None:
    assert not Interim({"quick": QUICK, "another": 1.0}, lambda: 1000.0).is_due({"quick"}, 1)
    assert not Interim({}).is_due({"quick"}, 1)


def test_nobody_publishes_while_somebody_reads_and_several_publish_at_once() -> None:
    gate, log = Gate(), list[str]()
    inside, leave = threading.Barrier(3), threading.Event()

    def publish() -> None:
        with gate.publishing():
            inside.wait(60)
            leave.wait(60)
            log.append("published")

    def read() -> None:
        with gate.reading():
            log.append("read")

    writers = [threading.Thread(target=publish) for _ in range(2)]
    for thread in writers:
        thread.start()
    inside.wait(60)  # both are inside at the same time
    reader = threading.Thread(target=read)
    reader.start()
    reader.join(0.05)
    assert log == []
    leave.set()
    for thread in (*writers, reader):
        thread.join(60)
    assert log == ["published", "published", "read"]


def test_whoever_publishes_waits_for_the_reader() -> None:
    gate, log = Gate(), list[str]()

    def publish() -> None:
        with gate.publishing():
            log.append("published")

    with gate.reading():
        writer = threading.Thread(target=publish)
        writer.start()
        writer.join(0.05)
        log.append("read")
    writer.join(60)
    assert log == ["read", "published"]
