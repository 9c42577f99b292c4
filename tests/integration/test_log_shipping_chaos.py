"""A primary killed at random moments under a client that never stops: what is lost, and whether that was said before.

A short version of benchmarks/log_shipping.py, with kills of its own.
"""

from collections.abc import Iterator

import pytest

from benchmarks.log_shipping import chaos_site
from benchmarks.log_shipping_chaos import Ending, Site, chaos_run

FIRST_SEED = 1_000
RUNS = 2


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Two servers and an object store for all runs; each run has a database of its own."""
    with chaos_site() as made:
        yield made


@pytest.mark.parametrize("number", range(RUNS))
def test_no_acknowledged_commit_is_lost_while_the_tail_is_there(site: Site, number: int) -> None:
    ending = chaos_run(site, number, with_tail=True, seed=FIRST_SEED + number)
    require_sound(ending)
    assert ending.ours.lost == ()
    assert ending.loss.with_tail
    assert ending.loss.seconds == 0


@pytest.mark.parametrize("number", range(RUNS, 2 * RUNS))
def test_loss_without_the_disk_is_the_end_of_the_log_and_was_stated_before(site: Site, number: int) -> None:
    ending = chaos_run(site, number, with_tail=False, seed=FIRST_SEED + number)
    require_sound(ending)
    assert not ending.loss.with_tail
    assert ending.misstated == 0
    assert ending.loss.seconds is not None
    if ending.ours.lost:
        assert ending.loss.certain_until is not None
        span = ending.ours.lost[-1].sent_at - ending.loss.certain_until
        assert 0 < span.total_seconds() <= ending.loss.seconds


def require_sound(ending: Ending) -> None:
    """What is there was written by the client, without a hole before its end."""
    assert ending.ours.acknowledged > 0
    assert ending.ours.is_prefix
    assert ending.ours.strangers == 0
    assert ending.ours.found >= ending.naive.found
