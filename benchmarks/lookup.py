"""What looking up one mail costs inside the process, with a million indicators in memory; the network is not in it.

`lookup_p99` starts from a mail's keys and ends with its threat report; the peer asks an indexed SQLite table in memory
once for each key and builds the same report. Indicators are all keys that only phishing mails have, more than any rule
would let into the table, and made-up hosts up to a million. `lookup_keys_p99` is the step before: from the parsed mail
to its keys, each mail met once; the peer is the same rules with nothing remembered between URLs.
`lookup_requests_mean` counts requests to DynamoDB a mail; the peer asks key by key.

Mails are the labelled ones of LANDFALL_SHARED (or ../shared) where they are, else generated ones.
"""

import gzip
import json
import os
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from include.ioc_refresh import domains, keys, shapes
from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.indicators import Indicator, TableEntry, entry_key
from include.ioc_refresh.keys import IocKey, lookup_keys
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.mails import Mail, parse_mail, read_record
from include.ioc_refresh.reports import IndicatorIndex, threat_report
from include.ioc_refresh.sample import sample_mails
from include.ioc_refresh.table import KEYS_PER_READ

PROJECT = Path(__file__).resolve().parents[1]
INDICATORS = 1_000_000
GENERATED_MAILS = 5_000
PEER_MAILS = 2_000
NOW = datetime(2026, 3, 1, tzinfo=UTC)
EXPIRES = NOW + timedelta(days=30)
DAY = date(2026, 2, 1)
REMEMBERING = [
    (keys, ("split_url", "_url_keys", "_parent_keys", "organisational_domain", "is_distinctive")),
    (domains, ("organisational_domain",)),
    (shapes, ("_segment",)),
]

Given = TypeVar("Given")


def run() -> Iterator[dict[str, object]]:
    """Measure the three steps over the same mails and yield one line each."""
    popularity = Popularity.load()
    labelled, origin = _mails()
    mails = [mail for mail, _ in labelled]
    keys.mail_keys(mails[0], popularity)  # reads the Public Suffix List, once in a process
    extraction, found = _timed(mails, lambda mail: lookup_keys(mail, popularity))
    with _nothing_remembered():
        plain, again = _timed(mails[:PEER_MAILS], lambda mail: lookup_keys(mail, popularity))
    if again != found[:PEER_MAILS]:
        raise AssertionError("the keys differ with and without remembering: the comparison is void")
    yield _line("lookup_keys_p99", extraction, plain, f"{origin}; parsed mail to keys, each mail once; peer: no caches")
    index = IndicatorIndex.of(_indicators(found, [label for _, label in labelled]))
    ours, reports = _timed(found, lambda mail_keys: index.report(mail_keys, now=NOW))
    with _database(index) as database:
        peer, same = _timed(found[:PEER_MAILS], lambda mail_keys: _report_by_query(database, index, mail_keys))
    if same != reports[:PEER_MAILS]:
        raise AssertionError("the reports of both ways differ: the comparison is void")
    hit = sum(report["Verdict"] == "suspicious" for report in reports)
    sizes = f"{len(index.entries):,} indicators, {len(found):,} mails ({hit:,} hit)"
    yield _line("lookup_p99", ours, peer, f"{origin}; {sizes}; keys to report; peer: SQLite in memory, a query a key")
    yield _requests(found, origin)


def _mails() -> tuple[list[tuple[Mail, str]], str]:
    """Return parsed mails with their labels, and what they are."""
    path = Path(os.environ.get("LANDFALL_SHARED") or PROJECT.parent / "shared") / "data" / "mail" / "mails.jsonl.gz"
    if path.exists():
        with gzip.open(path) as lines:
            records, origin = [read_record(line) for line in lines], "labelled mails"
    else:
        generated = sample_mails(end=NOW, span=timedelta(days=20), count=GENERATED_MAILS)
        records, origin = list(generated), "generated mails"
    return [(parse_mail(record, arrived_at=None), record["label"]) for record in records], origin


def _timed(given: Sequence[Given], action: Callable[[Given], Any]) -> tuple[list[float], list[Any]]:
    """Return the microseconds of each call, and what it gave."""
    spent, results = [], []
    for item in given:
        start = time.perf_counter_ns()
        result = action(item)
        spent.append((time.perf_counter_ns() - start) / 1_000)
        results.append(result)
    return spent, results


def _indicators(found: Sequence[Sequence[IocKey]], labels: Sequence[str]) -> Iterator[Indicator]:
    known = {True: set[IocKey](), False: set[IocKey]()}
    for mail_keys, label in zip(found, labels, strict=True):
        known[label == "phishing"].update(mail_keys)
    hits = sorted((kind, value, domain or "") for kind, value, domain in known[True] - known[False])
    for kind, value, domain in hits:
        yield _indicator(kind, value, domain or None)
    for number in range(INDICATORS - len(hits)):
        name = f"h{number:07d}-made-up.example"
        yield _indicator(Kind.LINK_DOMAIN, name, name)


def _indicator(kind: Kind, value: str, domain: str | None) -> Indicator:
    return Indicator(
        kind=kind,
        value=value,
        domain=domain,
        malicious=1,
        benign=0,
        first_day=DAY,
        last_day=DAY,
        expires_at=EXPIRES,
        query_version="bench-1",
        refresh=1,
    )


@contextmanager
def _nothing_remembered() -> Iterator[None]:
    """Run the rules without their caches."""
    kept = [(module, name, getattr(module, name)) for module, names in REMEMBERING for name in names]
    for module, name, cached in kept:
        setattr(module, name, cached.__wrapped__)
    try:
        yield
    finally:
        for module, name, cached in kept:
            setattr(module, name, cached)


@contextmanager
def _database(index: IndicatorIndex) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE indicators (ioc TEXT PRIMARY KEY, expires_at INTEGER) WITHOUT ROWID")
    rows = ((key, int(EXPIRES.timestamp())) for key in index.entries)
    database.executemany("INSERT OR IGNORE INTO indicators VALUES (?, ?)", rows)
    try:
        yield database
    finally:
        database.close()


def _report_by_query(database: sqlite3.Connection, index: IndicatorIndex, mail_keys: Sequence[IocKey]) -> Any:
    entries: dict[str, TableEntry] = {}
    for kind, value, _ in mail_keys:
        for (key,) in database.execute("SELECT ioc FROM indicators WHERE ioc = ?", (entry_key(kind, value),)):
            entries[key] = index.entries[key]
    return threat_report(mail_keys, entries, now=NOW)


def _requests(found: Sequence[Sequence[IocKey]], origin: str) -> dict[str, object]:
    batches = statistics.mean(-(-len(mail_keys) // KEYS_PER_READ) for mail_keys in found)
    single = statistics.mean(len(mail_keys) for mail_keys in found)
    more = sum(len(mail_keys) > KEYS_PER_READ for mail_keys in found)
    return {
        "name": "lookup_requests_mean",
        "ours": batches,
        "peer": single,
        "ratio": batches / single,
        "unit": "requests per mail",
        "note": f"{origin}; {more} of {len(found):,} mails have over {KEYS_PER_READ} keys; peer: GetItem for each key",
    }


def _line(name: str, ours: Sequence[float], peer: Sequence[float], note: str) -> dict[str, object]:
    (ours_p50, ours_p99), (peer_p50, peer_p99) = _percentiles(ours), _percentiles(peer)
    return {
        "name": name,
        "ours": ours_p99,
        "peer": peer_p99,
        "ratio": ours_p99 / peer_p99,
        "unit": "microseconds",
        "ours_p50": ours_p50,
        "peer_p50": peer_p50,
        "ours_max": max(ours),
        "note": note,
    }


def _percentiles(spent: Sequence[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(spent, n=100)
    return cuts[49], cuts[98]


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
