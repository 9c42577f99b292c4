"""Whatever is done on the primary, the backups restored by the chain give the same database."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.standins.sqlserver.storage.properties import DatabaseState
from tests.standins.sqlserver.storage_lab import NORECOVERY, RECOVERY, Lab

STEPS = st.lists(
    st.sampled_from(
        [
            "insert",
            "insert",
            "insert",
            "delete",
            "update",
            "schema",
            "big",
            "shrink",
            "checkpoint",
            "reopen",
            "log",
            "log",
            "copy log",
            "full",
            "copy full",
            "differential",
            "swap",
        ]
    ),
    min_size=3,
    max_size=25,
)

BIG = (
    "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
    "SELECT printf('%01000d', i) FROM n"
)


class Shipping:
    """A primary, a secondary that applies every log, and the media from which a third could be restored."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.here, self.there = Lab(directory / "a"), Lab(directory / "b")
        self.count = 0
        self.full: Path | None = None
        self.differential: Path | None = None
        self.logs: list[Path] = []
        self.all_logs: list[Path] = []
        self.here.create()
        self.take_full()
        self.first_full = self.full
        self.there.restore(self.first_full)

    def path(self, suffix: str) -> Path:
        self.count += 1
        return self.directory / f"{self.count:04}.{suffix}"

    def take_full(self) -> None:
        self.full, self.differential, self.logs = self.path("bak"), None, []
        self.here.full(self.full, compression=self.count % 2 == 0)

    def take_log(self, **options: object) -> None:
        path = self.path("trn")
        self.here.log(path, **options)
        self.logs.append(path)
        self.all_logs.append(path)
        self.there.restore_log(path, after=NORECOVERY)

    def step(self, name: str) -> None:
        inserts = {
            "insert": ("INSERT INTO t (v) VALUES (?)", (f"row {self.count}",)),
            "delete": ("DELETE FROM t WHERE id % 3 = 0", ()),
            "update": ("UPDATE t SET v = v || '!' WHERE id % 2 = 0", ()),
            "schema": (f"CREATE TABLE t{self.path('n').stem} (a INTEGER PRIMARY KEY, b TEXT UNIQUE)", ()),
            "big": (
                BIG,
                (),
            ),
        }
        if name in inserts:
            sql, values = inserts[name]
            self.here.run("sales", sql, *values)
        else:
            getattr(self, f"_{name.replace(' ', '_')}")()

    def _shrink(self) -> None:
        self.here.run("sales", "DELETE FROM t WHERE id > 20")

    def _checkpoint(self) -> None:
        self.here.catalog.get("sales").checkpoint()

    def _reopen(self) -> None:
        self.here.reopen()
        self.there.reopen()

    def _log(self) -> None:
        self.take_log()

    def _copy_log(self) -> None:
        self.here.log(self.path("copy"), copy_only=True)

    def _full(self) -> None:
        self.take_full()

    def _copy_full(self) -> None:
        self.here.full(self.path("copy"), copy_only=True)

    def _differential(self) -> None:
        self.differential = self.path("dif")
        self.here.differential(self.differential)

    def _swap(self) -> None:
        self.take_log(no_recovery=True)
        self.there.restore(after=RECOVERY)
        assert self.here.catalog.get("sales").state is DatabaseState.RESTORING
        self.here, self.there = self.there, self.here
        # The new primary's differential base is the full it was restored from; the chain of logs crosses the forks.
        self.full, self.differential, self.logs = self.first_full, None, list(self.all_logs)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(steps=STEPS)
def test_restored_by_the_chain_every_database_is_the_same(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        shipping = Shipping(Path(directory))
        for step in steps:
            shipping.step(step)
        expected = shipping.here.digest()
        shipping.take_log()

        by_logs = Lab(Path(directory) / "c")
        by_logs.restore(shipping.full)
        for path in shipping.logs:
            by_logs.restore_log(path)
        by_logs.restore(after=RECOVERY)
        assert by_logs.digest() == expected

        if shipping.differential is not None:
            bridged = Lab(Path(directory) / "d")
            bridged.restore(shipping.full)
            bridged.restore(shipping.differential)
            redo = bridged.catalog.get("sales").properties.redo_start_lsn
            assert redo is not None
            for path in shipping.logs:
                if int(bridged.headers(path)[0]["LastLSN"]) > redo:
                    bridged.restore_log(path)
            bridged.restore(after=RECOVERY)
            assert bridged.digest() == expected
            bridged.catalog.close()

        shipping.there.restore(after=RECOVERY)
        assert shipping.there.digest() == expected
        for lab in (shipping.here, shipping.there, by_logs):
            lab.catalog.close()


def test_a_differential_holds_the_changed_pages_only_and_bridges_a_lost_log(tmp_path: Path) -> None:
    primary, secondary = Lab(tmp_path / "a"), Lab(tmp_path / "b")
    primary.create()
    primary.run("sales", "CREATE TABLE filler (a INTEGER PRIMARY KEY, b BLOB)")
    for _ in range(40):
        primary.run("sales", "INSERT INTO filler (b) VALUES (randomblob(100000))")
    primary.full(tmp_path / "full.bak")
    secondary.restore(tmp_path / "full.bak")
    primary.add("1")
    primary.log(tmp_path / "lost.trn")
    primary.add("2")
    primary.full(tmp_path / "other.bak", copy_only=True)
    primary.reopen()
    primary.differential(tmp_path / "bridge.dif")
    primary.add("3")
    primary.log(tmp_path / "next.trn")
    assert (tmp_path / "bridge.dif").stat().st_size < (tmp_path / "full.bak").stat().st_size / 20
    secondary.restore(tmp_path / "bridge.dif")
    secondary.restore_log(tmp_path / "next.trn", after=RECOVERY)
    assert secondary.values() == ["1", "2", "3"]
    assert secondary.digest() == primary.digest()
