"""What stands in the way is found before it costs anything, and nothing else is."""

from dataclasses import replace
from typing import Any

import pytest

from include.fsx_migration.definition_model import (
    Bandwidth,
    Limits,
    LustreFileSystem,
    Target,
    Transfer,
    WindowsFileSystem,
)
from include.fsx_migration.planning.plans import Finding, Severity, deal_parts
from include.fsx_migration.planning.preflight import preflight
from include.fsx_migration.planning.profile import Oddities
from include.fsx_migration.planning.target_state import TargetState, described
from tests.include.fsx_migration.fake_aws import migration
from tests.include.fsx_migration.plan_samples import GIB, MIB, TIB, partition_of, profile_of, survey_of


def found(**changes: Any) -> dict[str, Finding]:
    return {finding.code: finding for finding in preflight(survey_of(**changes))}


def severities(**changes: Any) -> dict[str, str]:
    return {code: finding.severity.value for code, finding in found(**changes).items()}


def lustre(storage_gib: int, throughput: int = 125, *, compression: str = "NONE") -> Target:
    described_as = LustreFileSystem(storage_gib=storage_gib, throughput_per_tib=throughput, compression=compression)
    return replace(migration().target, lustre=described_as)


def to_windows() -> Any:
    windows = WindowsFileSystem(storage_gib=2048, throughput_mib_s=1024, active_directory_id="d-0123456789")
    return migration(target=replace(migration().target, lustre=None, windows=windows, connection="admin"))


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert found() == {}


def test_what_blocks_comes_first() -> None:
    order = [finding.severity for finding in preflight(survey_of(profile=profile_of(bytes=9 * TIB, link_bytes=GIB)))]
    assert order == sorted(order, key=list(Severity).index)
    assert order[0] is Severity.BLOCK


@pytest.mark.parametrize(
    ("size", "expected"),
    [(TIB, {}), (int(2.05 * TIB), {"capacity_reserve": "block"}), (3 * TIB, {"capacity_total": "block"})],
)
def test_the_tree_has_to_fit_with_the_share_that_stays_free(size: int, expected: dict[str, str]) -> None:
    assert severities(profile=profile_of(bytes=size), window_hours=1000.0) == expected


def test_the_sentence_has_the_capacity_that_would_do() -> None:
    sentence = found(profile=profile_of(bytes=3 * TIB))["capacity_total"].sentence
    assert "takes 3 TiB and the target has 2.18 TiB free" in sentence
    assert "at least 4800 GiB" in sentence


def test_compression_may_make_it_fit_and_so_may_what_is_there_already() -> None:
    packed = migration(target=lustre(2400, 250, compression="LZ4"))
    assert severities(migration=packed, profile=profile_of(bytes=3 * TIB), window_hours=1000.0) == {
        "capacity_total": "warn"
    }
    assert severities(begun=True, profile=profile_of(bytes=3 * TIB), window_hours=1000.0) == {
        "capacity_total": "warn",
        "begun": "warn",
    }


def test_hard_links_count_with_what_they_take_on_the_target() -> None:
    changed = severities(profile=profile_of(bytes=2 * TIB, links=8, link_bytes=TIB), window_hours=1000.0)
    assert changed == {"capacity_total": "block", "hard_links": "warn"}
    assert severities(profile=profile_of(links=8, link_bytes=GIB)) == {"hard_links": "note"}


def test_one_full_storage_target_is_found_although_others_have_room() -> None:
    target = replace(
        described(lustre(4800, 250)),
        file_system_id="fs-1",
        measured=True,
        free_bytes=3 * TIB,
        least_free_bytes=200 * GIB,
    )
    assert severities(target=target) == {"capacity_target": "block"}
    assert (
        "storage targets takes 256 GiB, and the fullest has 200 GiB free"
        in found(target=target)["capacity_target"].sentence
    )


def test_a_file_larger_than_one_storage_target_wants_a_look() -> None:
    large = profile_of(largest=(("big", 1200 * GIB),))
    finding = found(profile=large)["largest_file"]
    assert (finding.severity, finding.unsure) == (Severity.WARN, True)
    assert "largest_file" not in severities(profile=large, migration=to_windows())


def test_a_file_system_without_metrics_is_taken_for_empty_and_says_so() -> None:
    target = replace(described(migration().target), file_system_id="fs-1")
    assert severities(target=target) == {"free_space_unmeasured": "warn"}


def test_an_unknown_file_system_blocks_with_its_reason_alone() -> None:
    target = TargetState(is_windows=False, problem="File system fs-1 does not exist: correct it.")
    assert severities(target=target) == {"target_unknown": "block"}


def test_a_window_that_the_file_system_cannot_meet_blocks() -> None:
    """The post's own numbers: 1.2 TB at 125 MB/s/TiB are 150 MB/s."""
    small = migration(target=lustre(1200))
    finding = found(migration=small, profile=profile_of(bytes=800 * GIB), window_hours=1.0)["throughput"]
    assert finding.severity is Severity.BLOCK
    assert "take 239 MB/s and the file system gives 150" in finding.sentence
    assert "set throughput_per_tib to 250, or give it 2400 GiB" in finding.sentence


def test_without_a_window_the_narrowest_place_is_named() -> None:
    finding = found(window_hours=None)["no_window"]
    assert finding.severity is Severity.NOTE
    assert "600 MB/s alone takes 30 min 33 s" in finding.sentence


def test_ones_own_calendar_can_contradict_the_window() -> None:
    slow = migration(bandwidth=Bandwidth(limit_mib_s=10))
    assert severities(migration=slow) == {"calendar": "block"}


def test_too_few_agents_are_a_warning_because_their_rate_is_assumed() -> None:
    finding = found(window_hours=0.3)["agents_too_few"]
    assert (finding.severity, finding.unsure) == (Severity.WARN, True)


@pytest.mark.parametrize("kind", ["windows_letter", "windows_reserved", "edge", "line_break", "control", "backslash"])
def test_names_that_windows_cannot_hold_block_there_alone(kind: str) -> None:
    odd = {kind: Oddities(count=5000, examples=("a:b",))}
    assert severities(profile=profile_of(odd=odd), migration=to_windows())[kind] == "block"
    assert "block" not in severities(profile=profile_of(odd=odd)).values()


def test_few_bad_names_are_within_the_share_that_may_fail() -> None:
    odd = {"windows_letter": Oddities(count=3, examples=("a:b",))}
    assert severities(profile=profile_of(odd=odd), migration=to_windows()) == {"windows_letter": "warn"}
    strict = replace(to_windows(), limits=Limits(failed_share=0.0))
    assert severities(profile=profile_of(odd=odd), migration=strict) == {"windows_letter": "block"}


def test_twins_by_case_block_windows_however_few() -> None:
    odd = {"case_twins": Oddities(count=2, examples=("a/README", "a/readme"))}
    finding = found(profile=profile_of(odd=odd), migration=to_windows())["case_twins"]
    assert finding.severity is Severity.BLOCK
    assert "'a/README' and 'a/readme'" in finding.sentence
    assert found(profile=profile_of(odd=odd)) == {}


def test_names_left_to_the_closing_pass_are_told() -> None:
    assert severities(left_out=7) == {"left_out": "note"}


def test_an_example_is_shown_as_its_repr_and_cut() -> None:
    odd = {"long_name": Oddities(count=1, examples=("d/\u202e" + "x" * 300,))}
    sentence = found(profile=profile_of(odd=odd))["long_name"].sentence
    assert "\u202e" not in sentence
    assert len(sentence) < 300


@pytest.mark.parametrize(
    ("files", "mode", "expected"),
    [
        (19_000_000, "BASIC", {}),
        (21_000_000, "BASIC", {"agent_memory": "warn"}),
        (50_000_000, "BASIC", {"closing_pass": "block", "agent_memory": "warn"}),
        (50_000_000, "ENHANCED", {"enhanced": "warn"}),
    ],
)
def test_the_closing_pass_has_to_take_the_whole_tree_at_once(files: int, mode: str, expected: dict[str, str]) -> None:
    wanted = migration(transfer=Transfer(mode=mode))
    assert severities(migration=wanted, profile=profile_of(files=files)) == expected


def test_quotas_agents_and_options_are_told() -> None:
    wanted = migration(transfer=Transfer(verify="NONE", delete_extra=False))
    assert severities(
        migration=wanted, tasks_in_region=99, agent_problems=("agent-1 is OFFLINE.",), scan_notes=("One is hidden.",)
    ) == {"tasks": "warn", "agent": "warn", "scan": "warn", "no_verification": "warn", "keeps_deleted": "note"}
    assert found(tasks_in_region=98) == {}


def test_files_that_outweigh_a_part_are_told_with_the_bound() -> None:
    parts, balance = deal_parts(partition_of([TIB] * 2), migration().source.agents, keys=["a", "b"])
    changed = found(
        parts=parts,
        balance=replace(balance, parts_lower_bound=1.4, raised_from=1),
        profile=profile_of(above_share=1, fair_share=700.0 * GIB),
    )
    assert "no partition is better than 1.400 times" in changed["above_share"].sentence
    assert "1 parts were asked for; the limits of an execution take 2" in changed["parts_raised"].sentence


def test_files_of_the_future_are_told() -> None:
    assert "future" in found(profile=profile_of(ages=(("in the future", 3, 3 * MIB),)))


def test_every_sentence_is_one_and_says_what_to_do() -> None:
    for finding in preflight(survey_of(profile=profile_of(bytes=90 * TIB, link_bytes=TIB), left_out=3)):
        assert finding.sentence[0].isupper() or finding.sentence[0].isdigit()
        assert finding.sentence.endswith(".")
        assert "  " not in finding.sentence
