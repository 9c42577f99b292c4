"""The interval of a transfer's end: honest early, narrow late, and right about as often as it says."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fsx_eta import TUNING_SEEDS, ask, coverage, simulate
from include.fsx_migration.definition_model import Bandwidth, BandwidthWindow
from include.fsx_migration.watch.eta import Eta, Sample, estimate_end

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
MIB = 1 << 20
GIB = 1 << 30


def steady(minutes: int, *, bytes_a_minute: float, files_a_minute: float = 0) -> list[Sample]:
    return [
        Sample(START + timedelta(minutes=at), int(at * bytes_a_minute), int(at * files_a_minute))
        for at in range(minutes + 1)
    ]


def asked(samples: list[Sample], *, size: int, files: int = 0, bandwidth: Bandwidth | None = None) -> Eta | None:
    return estimate_end(
        samples,
        remaining_bytes=size,
        remaining_files=files,
        bandwidth=bandwidth or Bandwidth(),
        now=samples[-1].at if samples else START,
    )


def minutes(moment: datetime | None, since: datetime) -> float:
    assert moment
    return (moment - since).total_seconds() / 60


def test_nothing_is_said_before_enough_was_seen() -> None:
    assert asked([], size=GIB) is None
    assert asked(steady(4, bytes_a_minute=GIB), size=GIB) is None
    assert asked(steady(30, bytes_a_minute=0), size=GIB) is None
    assert asked(steady(5, bytes_a_minute=GIB), size=GIB) is not None


def test_nothing_left_ends_now() -> None:
    now = START + timedelta(minutes=3)
    assert estimate_end([], remaining_bytes=0, remaining_files=0, bandwidth=Bandwidth(), now=now) == Eta(now, now, now)


def test_a_steady_transfer_ends_when_its_rate_says() -> None:
    samples = steady(100, bytes_a_minute=GIB)
    found = asked(samples, size=50 * GIB)
    assert found
    assert 48 < minutes(found.likely, samples[-1].at) < 52
    assert minutes(found.low, samples[-1].at) < 50 < minutes(found.high, samples[-1].at)


def test_the_interval_narrows_while_less_is_left() -> None:
    widths = []
    for done in (30, 60, 95):
        samples = steady(done, bytes_a_minute=GIB)
        found = asked(samples, size=(100 - done) * GIB)
        assert found
        widths.append(minutes(found.high, found.low))
    assert widths == sorted(widths, reverse=True)


def test_a_folder_of_small_files_is_not_taken_for_a_slow_network() -> None:
    """An hour of 64 MiB files, then an hour of 4 KiB files at the same work: what is left are large files."""
    rate = 600 * MIB * 60  # work a minute; a file costs 1 MiB
    large = rate / (65 * MIB)
    small = rate / (MIB + 4096)
    samples = steady(60, bytes_a_minute=large * 64 * MIB, files_a_minute=large)
    last = samples[-1]
    samples += [
        Sample(last.at + timedelta(minutes=at), last.bytes + int(at * small * 4096), last.files + int(at * small))
        for at in range(1, 61)
    ]
    left = 30 * large
    found = asked(samples, size=int(left * 64 * MIB), files=int(left))
    assert found
    naive = left * 64 * MIB / (samples[-1].bytes / 120)
    assert 22 < minutes(found.likely, samples[-1].at) < 40 < naive


def test_the_calendar_caps_the_future() -> None:
    office = BandwidthWindow(days=frozenset(range(5)), start=time(2), end=time(20), limit_mib_s=1)
    calendar = Bandwidth(windows=(office,))
    samples = steady(110, bytes_a_minute=GIB)  # until 01:50; from 02:00 on hardly anything moves
    found = asked(samples, size=100 * GIB, bandwidth=calendar)
    assert found
    assert found.likely > START + timedelta(hours=20)
    assert asked(samples, size=100 * GIB).likely < START + timedelta(hours=4)  # type: ignore[union-attr]


def test_time_at_the_limit_tells_no_rate_without_it() -> None:
    """All was seen at a limit that ends soon: the end may come much sooner than the rate so far says."""
    limited = BandwidthWindow(days=frozenset(range(5)), start=time(0), end=time(2), limit_mib_s=100)
    samples = steady(110, bytes_a_minute=100 * MIB * 60)
    free = asked(samples, size=600 * GIB)
    capped = asked(samples, size=600 * GIB, bandwidth=Bandwidth(windows=(limited,)))
    assert free
    assert capped
    assert minutes(capped.low, samples[-1].at) < 0.8 * minutes(free.low, samples[-1].at)


def test_a_stall_moves_the_end_and_widens_the_interval() -> None:
    samples = steady(60, bytes_a_minute=GIB)
    stalled = [*samples, *(Sample(samples[-1].at + timedelta(minutes=at), samples[-1].bytes, 0) for at in range(1, 21))]
    before, after = asked(samples, size=60 * GIB), asked(stalled, size=60 * GIB)
    assert before
    assert after
    assert after.likely > before.likely
    assert minutes(after.high, after.low) > minutes(before.high, before.low)


def test_what_would_take_decades_has_an_open_end() -> None:
    found = asked(steady(60, bytes_a_minute=10), size=GIB)
    assert found
    assert found.high is None


STEPS = st.lists(
    st.tuples(st.integers(0, 600), st.integers(0, 10 * GIB), st.integers(0, 10_000)), min_size=1, max_size=40
)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(STEPS, st.integers(0, 10**15), st.integers(0, 10**9))
def test_low_comes_before_likely_before_high_and_never_in_the_past(
    steps: list[tuple[int, int, int]], size: int, files: int
) -> None:
    at, moved, done = START, 0, 0
    samples = [Sample(START, 0, 0)]
    for seconds, more, names in steps:
        at, moved, done = at + timedelta(seconds=seconds), moved + more, done + names
        samples.append(Sample(at, moved, done))
    found = asked(samples, size=size, files=files)
    if found:
        assert at <= found.low <= found.likely
        assert found.high is None or found.likely <= found.high


def test_most_ends_of_simulated_transfers_are_inside() -> None:
    """A tenth of the benchmark, on seeds of its own; the benchmark holds the mark of 85 to 95 %."""
    answers = [answer for seed in range(40) for answer in ask(simulate(TUNING_SEEDS // 2 + seed))]
    assert 0.8 <= coverage(answers) <= 0.98
    assert sum(answer.peer_inside for answer in answers) < 0.5 * len(answers)
