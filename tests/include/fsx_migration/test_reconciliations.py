"""A migration is what its two trees are: every difference is found, and explained by a name or by nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from include.fsx_migration.definition_model import Checksums, Limits, Reconciling, Transfer
from include.fsx_migration.listings.scanning import scan
from include.fsx_migration.reconciliation.agreement import agree
from include.fsx_migration.reconciliation.reconciliations import find_summary, gate_rows, reconcile_migration
from include.fsx_migration.reconciliation.sampling import choose_sample
from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.transfer.pass_model import FailedFile
from include.fsx_migration.transfer.passes import load_failures, read_passes
from include.gates.result import Verdict
from include.gates.suites.fsx_migration import reconciliation_suite
from tests.include.fsx_migration.moved_share import FILES, MovedShare

if TYPE_CHECKING:
    from pathlib import Path

UNREADABLE = FailedFile(path="d0/03.bin", step="transfer", reason="Permission denied", part="0000", attempt=1)
LENIENT = Limits(failed_share=0.5)


def broken(summary: dict[str, Any]) -> list[str]:
    return [claim["claim"] for claim in summary["claims"] if not claim["holds"]]


def corrupt(file: Path) -> None:
    """Change contents; size and times stay."""
    before = file.stat()
    file.write_bytes(bytes(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_equal_trees_reconcile_and_all_of_it_is_kept(tmp_path: Path) -> None:
    share = MovedShare(tmp_path).moved()
    summary = reconcile_migration(share.place, label="t")
    assert (summary["same"], summary["missing"], summary["extra"]) == (FILES + 5, 0, 0)
    assert (broken(summary), summary["findings_named"]) == ([], [])
    assert summary["checksums"] == {"policy": "sample", "wanted": FILES, "compared": FILES, "unread": 0}
    assert find_summary(share.place, "t") == summary
    for uri in summary["uris"].values():
        assert uri.split("/", 3)[3] in share.lake.objects, uri


def test_a_corrupt_file_with_the_right_size_and_time_is_found(tmp_path: Path) -> None:
    share = MovedShare(tmp_path).moved()
    corrupt(share.target / "d1/04.bin")
    summary = reconcile_migration(share.place, label="t")
    assert summary["changed"]["checksum"] == 1
    assert summary["paths"] == {"unexplained": 1, "explained": 0, "pending": 0, "kept": 0}
    assert broken(summary) == ["every difference is explained"]
    assert summary["findings_named"][0]["path"] == "d1/04.bin"


def test_a_suspect_is_read_even_without_a_sample(tmp_path: Path) -> None:
    suspect = FailedFile(path="d1/04.bin", step="verify", reason="differs", part="0000", attempt=1)
    share = MovedShare(tmp_path, reconciling=Reconciling(checksums=Checksums.NONE), limits=LENIENT)
    share.moved(failed=[suspect])
    corrupt(share.target / "d1/04.bin")
    corrupt(share.target / "d2/05.bin")
    summary = reconcile_migration(share.place, label="t")
    assert (summary["suspects"], summary["checksums"]["wanted"]) == (1, 1)
    assert [(one["path"], one["standing"]) for one in summary["findings_named"]] == [("d1/04.bin", "explained")]


def test_a_difference_is_explained_by_the_failed_file_that_names_it(tmp_path: Path) -> None:
    share = MovedShare(tmp_path, limits=LENIENT).moved(failed=[UNREADABLE])
    (share.target / "d0/03.bin").unlink()
    (share.target / "d0/06.bin").unlink()
    summary = reconcile_migration(share.place, label="t")
    standing = {one["path"]: (one["standing"], one["why"]) for one in summary["findings_named"]}
    assert standing["d0/03.bin"] == ("explained", "transfer failed: Permission denied")
    assert standing["d0/06.bin"][0] == "unexplained"
    assert broken(summary) == ["every difference is explained"]


def test_a_failed_directory_explains_what_is_below_it_and_nothing_else(tmp_path: Path) -> None:
    directory = FailedFile(path="d0", step="prepare", reason="not listed", directory=True)
    share = MovedShare(tmp_path, limits=LENIENT).moved(failed=[directory])
    (share.target / "d0/03.bin").unlink()
    (share.target / "d0x").mkdir()
    (share.target / "d0/new").write_text("whose?")
    found = {one["path"]: one["standing"] for one in reconcile_migration(share.place, label="t")["findings_named"]}
    assert found == {"d0/03.bin": "explained", "d0x": "unexplained", "d0/new": "unexplained"}


def test_more_failed_files_than_the_limit_allows_block(tmp_path: Path) -> None:
    share = MovedShare(tmp_path, limits=Limits(failed_share=0.08)).moved(failed=[UNREADABLE])
    (share.target / "d0/03.bin").unlink()
    assert broken(reconcile_migration(share.place, label="t")) == ["explained differences are within the limit"]


@pytest.mark.parametrize(("frozen", "standing"), [(False, "pending"), (True, "unexplained")])
def test_what_changed_since_the_last_pass_is_pending_until_the_source_is_frozen(
    tmp_path: Path, frozen: bool, standing: str
) -> None:
    share = MovedShare(tmp_path).moved()
    (share.source / "d1/04.bin").write_text("newer")
    (share.source / "late").write_text("new")
    (share.source / "d2/05.bin").unlink()
    summary = reconcile_migration(share.place, label="t", frozen=frozen)
    assert {one["path"]: one["standing"] for one in summary["findings_named"]} == dict.fromkeys(
        ("d1/04.bin", "late", "d2/05.bin"), standing
    )
    assert broken(summary) == (["every difference is explained"] if frozen else [])


def test_what_only_the_target_has_is_explained_by_a_failed_deletion_or_by_the_definition(tmp_path: Path) -> None:
    failed = [FailedFile(path="old", step="delete", reason="busy"), UNREADABLE]
    share = MovedShare(tmp_path, limits=LENIENT).moved(failed=failed)
    (share.target / "old").write_text("x")
    (share.target / "stranger").write_text("x")
    found = {one["path"]: one["standing"] for one in reconcile_migration(share.place, label="t")["findings_named"]}
    assert found == {"old": "explained", "stranger": "unexplained"}
    keeping = replace(share.place.migration, transfer=Transfer(delete_extra=False))
    summary = reconcile_migration(replace(share.place, migration=keeping), label="t")
    assert (summary["paths"]["kept"], summary["paths"]["explained"]) == (1, 1)


def test_snapshots_that_datasync_never_copies_are_kept_apart(tmp_path: Path) -> None:
    share = MovedShare(tmp_path)
    (share.source / ".snapshot" / "hourly").mkdir(parents=True)
    (share.target / ".aws-datasync").mkdir()
    share.moved()
    assert reconcile_migration(share.place, label="t")["paths"]["kept"] == 3


def test_counters_that_do_not_account_for_every_file_are_a_contradiction(tmp_path: Path) -> None:
    share = MovedShare(tmp_path).moved(counters={"files_transferred": 10, "files_skipped": 1})
    summary = reconcile_migration(share.place, label="t")
    assert broken(summary) == ["task reports agree with the manifests"]
    assert summary["agreement"]["contradictions"] == [
        "Pass 1, part 0000, attempt 1 was given 13 files and accounts for 11: 10 transferred, 1 skipped, 0 failed."
    ]


def test_parts_that_do_not_add_up_to_the_listing_are_a_contradiction(tmp_path: Path) -> None:
    share = MovedShare(tmp_path).moved()
    passes = read_passes(share.place)

    def failures(attempt: Any) -> Any:
        return load_failures(share.place.places, attempt)

    assert agree(passes, failures, planned_files=FILES + 1, left_out=0).contradictions == ()
    assert agree(passes, failures, planned_files=FILES + 3, left_out=2).contradictions == ()
    assert agree(passes, failures, planned_files=FILES + 2, left_out=0).contradictions == (
        "Pass 1 has 13 files in its parts, and the plan's listing has 14 for them.",
    )


def test_an_open_pass_is_no_ground_for_a_verdict(tmp_path: Path) -> None:
    share = MovedShare(tmp_path).moved()
    key = share.place.places.transfer_pass(1, "pass.json")
    share.lake.put_json(key, share.lake.get_json(key) | {"ended": None})
    assert broken(reconcile_migration(share.place, label="t")) == ["every pass has ended"]


def test_modes_and_owners_count_only_where_both_sides_know_them(tmp_path: Path) -> None:
    share = MovedShare(tmp_path).moved()
    (share.target / "d0/00.bin").chmod(0o600)
    assert reconcile_migration(share.place, label="t")["changed"]["mode"] == 1
    windows = replace(share.place.migration.target, file_system_id="fs-1", connection="windows")
    wanted = replace(share.place.migration, target=windows)
    summary = reconcile_migration(replace(share.place, migration=wanted), label="t")
    assert (summary["same"], summary["compared_by"]) == (FILES + 5, ["checksum", "mtime", "size"])


def test_all_files_are_read_when_all_are_asked_for(tmp_path: Path) -> None:
    share = MovedShare(tmp_path, reconciling=Reconciling(checksums=Checksums.ALL)).moved()
    assert reconcile_migration(share.place, label="t")["checksums"]["compared"] == FILES


def test_nothing_is_reconciled_before_something_was_transferred(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="has transferred nothing yet"):
        reconcile_migration(MovedShare(tmp_path).place, label="t")


def test_a_sample_is_the_same_for_everybody_and_spread_by_name(tmp_path: Path) -> None:
    share = MovedShare(tmp_path)
    scan(share.source, tmp_path / "l.parquet")
    some = choose_sample(tmp_path / "l.parquet", seed="projects", files=4)
    assert some == choose_sample(tmp_path / "l.parquet", seed="projects", files=4)
    assert some != choose_sample(tmp_path / "l.parquet", seed="archive", files=4)
    assert len(some) == 4
    assert choose_sample(tmp_path / "l.parquet", seed="projects", files=0, also=["x"]) == {"x"}
    (share.source / "newcomer").write_text("x")
    scan(share.source, tmp_path / "l.parquet")
    assert len(some & choose_sample(tmp_path / "l.parquet", seed="projects", files=4)) >= 3


def test_the_gate_says_the_same_as_the_claims(tmp_path: Path) -> None:
    import pandas as pd

    from include.gates.validate import validate

    share = MovedShare(tmp_path, limits=LENIENT).moved(failed=[UNREADABLE])
    suite, verdicts = reconciliation_suite(), []
    for path in (None, "d0/03.bin", "d0/06.bin"):
        if path:
            (share.target / path).unlink()
        rows = gate_rows(reconcile_migration(share.place, label="t"))
        verdicts.append(validate(pd.DataFrame(rows, columns=list(suite.columns)), suite).result)
    assert [one.verdict for one in verdicts] == [Verdict.PASS, Verdict.QUARANTINE, Verdict.BLOCK]
    assert "d0/06.bin" in verdicts[-1].reasons[0]
    assert validate(pd.DataFrame(columns=list(suite.columns)), suite).result.blocked


def test_a_suspect_that_nobody_could_read_blocks_and_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    from include.fsx_migration.listings import scan_rows
    from include.fsx_migration.listings.directories import Unreadable

    suspect = FailedFile(path="d1/04.bin", step="verify", reason="differs", part="0000", attempt=1)
    share = MovedShare(tmp_path, limits=LENIENT).moved(failed=[suspect])
    read = scan_rows.checksum

    def denied(top: int, path: str, **facts: Any) -> Any:
        return Unreadable(path, "Permission denied") if path == "d1/04.bin" else read(top, path, **facts)

    monkeypatch.setattr(scan_rows, "checksum", denied)
    summary = reconcile_migration(share.place, label="t")
    assert broken(summary) == ["every suspect was read"]
    assert summary["unread_named"][0] == {"path": "d1/04.bin", "why": "target: Permission denied"}
