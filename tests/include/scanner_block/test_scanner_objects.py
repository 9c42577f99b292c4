"""Each log object is read exactly once, however late it comes, however long nobody looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.scanner_block.counts import counts_schema
from include.scanner_block.lake.carried import load_carried, save_carried
from include.scanner_block.lake.counts_store import prune_counts, read_hours, write_counts
from include.scanner_block.lake.journal import Commit, commit, last_commit, open_version
from include.scanner_block.lake.key_times import key_time
from include.scanner_block.lake.ledger import Ledger, empty_ledger, load_ledger, save_ledger
from include.scanner_block.lake.objects import NewObjects, find_new_objects
from include.scanner_block.lake.plans import Plan, find_plan, keep_plan
from include.scanner_block.policy_model import LogFormat, LogSource
from include.scanner_block.settings import ScannerSettings
from tests.include.scanner_block.listed_bucket import ListedBucket

if TYPE_CHECKING:
    from include.object_store import ObjectStore

NOW = datetime(2026, 11, 24, 5, 10, tzinfo=UTC)
WEB = LogSource(name="web", log_format=LogFormat.CLOUDFRONT, bucket="logs", prefix="cf/E2EXAMPLE.")
APP = LogSource(name="app", log_format=LogFormat.ALB, bucket="logs", prefix="AWSLogs/1/elasticloadbalancing/eu-west-1/")
ACL = LogSource(name="acl", log_format=LogFormat.WAF, bucket="logs", prefix="AWSLogs/1/WAFLogs/eu-west-1/my-acl/")


def web_key(moment: datetime, name: str) -> str:
    return f"cf/E2EXAMPLE.{moment:%Y-%m-%d-%H}.{name}.gz"


class Reader:
    """Runs one after another over one bucket."""

    def __init__(self, *sources: LogSource, client: Any = None, late_hours: int = 48, most: int = 3000) -> None:
        self.bucket = ListedBucket() if client is None else client
        self.sources, self.late_hours, self.most = list(sources or [WEB]), late_hours, most
        self.ledger: Ledger = empty_ledger()

    def look(self, now: datetime) -> NewObjects:
        return find_new_objects(
            self.bucket,
            sources=self.sources,
            ledger=self.ledger,
            now=now,
            late_hours=self.late_hours,
            most_objects=self.most,
        )

    def read(self, now: datetime = NOW) -> list[str]:
        new = self.look(now)
        self.ledger = new.read_into(self.ledger, as_of=now)
        return [found.key for found in new.objects]


@pytest.fixture
def store(scanner_lake: Any) -> ObjectStore:
    store = ScannerSettings().store(scanner_lake)
    store.delete_prefix("")
    return store


def test_a_log_in_a_real_listing_is_read_once_and_known_by_the_next_run(store: ObjectStore) -> None:
    reader = Reader(client=store.client)
    for name, body in (("b", b"2"), ("a", b"1"), ("empty", b"")):
        store.client.put_object(Bucket="logs", Key=web_key(NOW, name), Body=body)
    store.client.put_object(Bucket="logs", Key=web_key(NOW - timedelta(days=300), "old"), Body=b"old")
    found = reader.look(NOW)
    assert [(one.key, one.size, one.uri) for one in found.objects] == [
        (web_key(NOW, name), 1, f"s3://logs/{web_key(NOW, name)}") for name in ("a", "b")
    ]
    assert found.objects[0].etag == "c4ca4238a0b923820dcc509a6f75849b"
    save_ledger(store, "00000001-aaaaaaaa", found.read_into(reader.ledger, as_of=NOW))
    reader.ledger = load_ledger(store, "00000001-aaaaaaaa")
    assert reader.read(NOW + timedelta(minutes=5)) == []


def test_a_ledger_is_the_same_after_writing_and_its_bytes_do_not_depend_on_the_order(store: ObjectStore) -> None:
    reader = Reader()
    for name, body in (("a", b"a"), ("b", b"b"), ("twin", b"a")):
        reader.bucket.put(web_key(NOW, name), body)
    found = reader.look(NOW)
    save_ledger(store, "1", found.read_into(reader.ledger, as_of=NOW))
    turned = replace(found, objects=found.objects[::-1])
    save_ledger(store, "2", turned.read_into(reader.ledger, as_of=NOW))
    assert store.get_bytes("scanner/ledger/1.parquet") == store.get_bytes("scanner/ledger/2.parquet")
    again = load_ledger(store, "1")
    assert again.marks == found.marks
    assert again.twin_of("web", "0cc175b9c0f1b6a831c399e269772661", 1) == web_key(NOW, "a")


def test_without_a_version_the_ledger_is_empty(store: ObjectStore) -> None:
    assert load_ledger(store, None).table.num_rows == 0


def test_a_key_that_gets_another_content_is_read_again_and_named() -> None:
    reader = Reader()
    reader.bucket.put(web_key(NOW, "a"), b"first")
    reader.read()
    reader.bucket.put(web_key(NOW, "a"), b"second")
    assert reader.look(NOW).changed == (web_key(NOW, "a"),)
    assert reader.read() == [web_key(NOW, "a")]
    reader.bucket.put(web_key(NOW, "a"), b"first")
    assert reader.read() == [], "the first content was read before"


def test_the_same_content_under_another_key_counts_once_in_one_run_and_in_a_later_one() -> None:
    reader = Reader()
    reader.bucket.put(web_key(NOW, "a"), b"same")
    reader.bucket.put(web_key(NOW, "b"), b"same")
    found = reader.look(NOW)
    assert [(twin.found.key, twin.of) for twin in found.twins] == [(web_key(NOW, "b"), web_key(NOW, "a"))]
    assert reader.read() == [web_key(NOW, "a")]
    reader.bucket.put(web_key(NOW, "c"), b"same")
    assert [twin.of for twin in reader.look(NOW).twins] == [web_key(NOW, "a")]
    assert reader.read() == []
    assert reader.look(NOW).twins == (), "a twin is reported once"


def test_the_same_content_of_another_source_is_read() -> None:
    beside = LogSource(name="beside", log_format=LogFormat.CLOUDFRONT, bucket="logs", prefix="cf/E3EXAMPLE.")
    reader = Reader(WEB, beside)
    for source in (WEB, beside):
        reader.bucket.put(f"{source.prefix}2026-11-24-05.a.gz", b"same")
    assert len(reader.read()) == 2


def test_what_is_no_log_is_not_read() -> None:
    reader = Reader(WEB, APP, ACL)
    for key in (
        "cf/E2EXAMPLE.2026-11-24-05.folder/",
        "cf/E2EXAMPLE.2026-13-24-05.a.gz",
        "cf/E2EXAMPLE.readme.txt",
        "cf/E2EXAMPLED.2026-11-24-05.a.gz",
        "AWSLogs/1/elasticloadbalancing/eu-west-1/ELBAccessLogTestFile",
        "AWSLogs/1/WAFLogs/eu-west-1/my-acl/2026/11/24/",
    ):
        reader.bucket.put(key, b"x")
    reader.bucket.put(web_key(NOW, "empty"), b"")
    assert reader.read() == []


@pytest.mark.parametrize(
    ("source", "name", "at"),
    [
        (WEB, "2026-11-24-05.1a2b3c4d.gz", datetime(2026, 11, 24, 5, tzinfo=UTC)),
        (APP, "2026/11/24/1_elasticloadbalancing_eu-west-1_app.a_b.c1_20261124T0455Z_192.0.2.1_x1.log.gz",
         datetime(2026, 11, 24, 4, 55, tzinfo=UTC)),
        (APP, "2026/11/24/1_elasticloadbalancing_eu-west-1_app.a_20261123T2355Z_192.0.2.1_x1.log.gz",
         datetime(2026, 11, 24, tzinfo=UTC)),
        (APP, "2026/11/24/other.log.gz", datetime(2026, 11, 24, tzinfo=UTC)),
        (ACL, "2026/11/24/05/10/1_waflogs_eu-west-1_my-acl_x.log.gz", datetime(2026, 11, 24, 5, 10, tzinfo=UTC)),
        (ACL, "2026/11/24/05/aws-waf-logs-1-2026-11-24-05-10-00-x", datetime(2026, 11, 24, 5, tzinfo=UTC)),
        (ACL, "2026/11/24/99/05/x", None),
        (WEB, "2026-11-24.gz", None),
    ],
)  # fmt: skip
def test_a_key_tells_its_time(source: LogSource, name: str, at: datetime | None) -> None:
    assert key_time(source, source.prefix + name) == at


def test_a_year_of_logs_is_not_listed_by_each_run() -> None:
    reader = Reader(WEB, APP, ACL)
    for day in range(365):
        moment = NOW - timedelta(days=day)
        reader.bucket.put(web_key(moment, "a"), f"w{day}".encode())
        for source in (APP, ACL):
            reader.bucket.put(f"{source.prefix}{moment:%Y/%m/%d/%H}/a.gz", f"{source.name}{day}".encode())
    assert len(reader.read()) == 9, "today, yesterday and the day before, of each source"
    assert reader.bucket.listed == 9


def test_the_oldest_are_read_first_and_the_others_wait_without_being_lost() -> None:
    reader = Reader(most=2, late_hours=3)
    for hour in range(5):
        reader.bucket.put(web_key(NOW - timedelta(hours=hour % 3), f"{hour}"), f"{hour}".encode())
    assert reader.look(NOW).waiting == 3
    first = reader.read(NOW)
    later = NOW + timedelta(hours=40)
    second = reader.read(later)
    assert first == [web_key(NOW - timedelta(hours=2), "2"), web_key(NOW - timedelta(hours=1), "1")]
    assert second == [web_key(NOW - timedelta(hours=1), "4"), web_key(NOW, "0")]
    assert reader.read(later + timedelta(hours=40)) == [web_key(NOW, "3")]


def test_the_oldest_are_those_of_any_source() -> None:
    reader = Reader(WEB, APP, most=1)
    reader.bucket.put(f"{APP.prefix}2026/11/24/1_elasticloadbalancing_eu-west-1_app.a_20261124T0501Z_x.gz", b"later")
    reader.bucket.put(web_key(NOW, "a"), b"earlier")
    assert reader.read() == [web_key(NOW, "a")]


def test_logs_of_the_time_in_which_no_run_took_place_are_read_afterwards() -> None:
    reader = Reader(late_hours=24)
    reader.read(NOW)
    for day in range(1, 11):
        reader.bucket.put(web_key(NOW + timedelta(days=day), "a"), f"{day}".encode())
    assert len(reader.read(NOW + timedelta(days=10))) == 10


def test_a_longer_lateness_does_not_read_again_what_the_ledger_forgot() -> None:
    reader = Reader(late_hours=2)
    for hours in range(80):
        reader.bucket.put(web_key(NOW + timedelta(hours=hours), "a"), f"{hours}".encode())
    assert sum(len(reader.read(NOW + timedelta(hours=hours))) for hours in range(0, 81, 4)) == 80
    assert reader.ledger.table.num_rows < 40
    reader.late_hours = 720
    assert reader.read(NOW + timedelta(hours=81)) == []


def test_a_source_taken_out_and_put_back_goes_on_where_it_stopped() -> None:
    reader = Reader(late_hours=2)
    reader.bucket.put(web_key(NOW, "a"), b"a")
    reader.read(NOW)
    reader.sources = [APP]
    reader.read(NOW + timedelta(days=3))
    reader.bucket.put(web_key(NOW + timedelta(days=1), "b"), b"b")
    reader.sources = [WEB, APP]
    assert reader.read(NOW + timedelta(days=3)) == [web_key(NOW + timedelta(days=1), "b")]
    reader.sources = [APP]
    reader.read(NOW + timedelta(days=60))
    assert set(reader.ledger.marks) == {"app"}, "a source that is gone for good is forgotten"


def test_counts_stay_open_a_day_longer_than_logs_are_waited_for() -> None:
    reader = Reader(late_hours=48)
    reader.read(NOW)
    assert reader.ledger.counts_from(["web"], as_of=NOW) == datetime(2026, 11, 21, 5, tzinfo=UTC)
    assert reader.ledger.counts_from(["new"], as_of=NOW) == NOW - timedelta(days=1)


def test_a_run_that_starts_again_reads_what_it_planned_first(store: ObjectStore) -> None:
    reader = Reader()
    reader.bucket.put(web_key(NOW, "a"), b"a")
    reader.bucket.put(web_key(NOW, "b"), b"a")

    def plan(at: datetime) -> Plan:
        return Plan(sequence=7, version="00000007-aaaaaaaa", run_id="run", as_of=at, new=reader.look(at))

    first = keep_plan(store, plan(NOW))
    reader.bucket.put(web_key(NOW, "c"), b"c")
    assert keep_plan(store, plan(NOW + timedelta(minutes=9))) == first == find_plan(store, "00000007-aaaaaaaa")
    assert find_plan(store, "00000008-aaaaaaaa") is None


class DiedError(Exception):
    """The worker was killed."""


def run_once(store: ObjectStore, bucket: ListedBucket, run_id: str, now: datetime, *, dies_at: int = 99) -> None:
    """A run as the workflow makes it; each object holds as many errors in one minute as its body says."""
    import pyarrow as pa

    def alive(step: int) -> None:
        if step == dies_at:
            raise DiedError

    last = last_commit(store)
    sequence, version = open_version(run_id, last)
    ledger, carried = load_ledger(store, last and last.ledger), load_carried(store, last and last.version)
    found = find_new_objects(bucket, sources=[WEB], ledger=ledger, now=now, late_hours=48, most_objects=2)
    alive(1)
    plan = keep_plan(store, Plan(sequence=sequence, version=version, run_id=run_id, as_of=now, new=found))
    alive(2)
    rows = [
        {"at": int(one.at.timestamp()), "last": 0, "client": "192.0.2.1", "requests": int(bucket.bodies[one.key])}
        for one in plan.new.objects
    ]
    counts = pa.Table.from_pylist(rows, schema=counts_schema())
    hours = write_counts(store, source="web", version=version, counts=counts)
    alive(3)
    save_ledger(store, version, plan.new.read_into(ledger, as_of=plan.as_of))
    alive(4)
    files = carried.count_files.adding("web", version, hours)
    save_carried(store, version, replace(carried, count_files=files))
    alive(5)
    commit(store, Commit(sequence=sequence, version=version, run_id=run_id, as_of=plan.as_of, ledger=version))
    alive(6)
    prune_counts(store, files=files, sequence=sequence)


@pytest.mark.parametrize(
    ("dies_at", "second"),
    [(1, "run 1"), (2, "run 2"), (3, "run 1"), (3, "run 2"), (4, "run 1"), (5, "run 2"), (6, "run 1")],
)
def test_a_run_killed_anywhere_counts_everything_once(store: ObjectStore, dies_at: int, second: str) -> None:
    bucket = ListedBucket()
    for number, errors in enumerate((1, 10, 100)):
        bucket.put(web_key(NOW - timedelta(hours=number), "a"), str(errors).encode())
    run_once(store, bucket, "run 0", NOW)
    bucket.put(web_key(NOW, "b"), b"1000")
    with pytest.raises(DiedError):
        run_once(store, bucket, "run 1", NOW, dies_at=dies_at)
    bucket.put(web_key(NOW - timedelta(hours=9), "late"), b"10000")
    for run_id in (second, "run 3"):
        run_once(store, bucket, run_id, NOW + timedelta(minutes=5))
    last = last_commit(store)
    files = load_carried(store, last and last.version).count_files
    found = read_hours(store, "web", {hour for _, hour, _ in files}, files=files)
    assert sum(found.column("requests").to_pylist()) == 11111
    valid = {f"scanner/counts/source=web/hour={hour}/{version}.parquet" for _, hour, version in files}
    assert set(store.list_keys("counts", "")) == valid, "what killed runs wrote is removed"


deliveries = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 20), st.integers(0, 30)), max_size=25
)  # hour of the requests, hours until delivery, content


@settings(derandomize=True, deadline=None, max_examples=40)
@given(deliveries, st.lists(st.integers(0, 230), max_size=20), st.integers(1, 4))
def test_every_content_that_comes_in_time_is_read_once(
    delivered: list[tuple[int, int, int]], ticks: list[int], most: int
) -> None:
    reader, counted, start = Reader(late_hours=24, most=most), list[str](), NOW
    reader.read(start)
    events = [(hour + late, web_key(start + timedelta(hours=hour), f"{n}"), content)
              for n, (hour, late, content) in enumerate(delivered)]  # fmt: skip
    last_hours = [230 + number for number in range(26)]
    for tick in sorted(ticks) + last_hours:
        for event in [event for event in events if event[0] <= tick]:
            reader.bucket.put(event[1], f"content {event[2]}".encode())
            events.remove(event)
        moment = start + timedelta(hours=tick)
        counted += [reader.bucket.bodies[key].decode() for key in reader.read(moment)]
    assert set(counted) == {f"content {content}" for _, _, content in delivered}
    if max((hour for hour, _, _ in delivered), default=0) < 24:  # a copy is known for a day beyond the lateness
        assert len(counted) == len(set(counted))
    keys = reader.ledger.table.column("key").to_pylist()
    assert len(keys) == len(set(keys))
