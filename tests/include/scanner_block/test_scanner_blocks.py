"""One block per client over all sources of logs."""

from __future__ import annotations

from dataclasses import replace

from include.scanner_block.blocking.blocks import blocks_of
from include.scanner_block.blocking.state_model import Entry, SourceState
from include.scanner_block.policy_model import LogFormat, RepeatOffenders, Rules, UriRule
from tests.include.scanner_block.scanner_decision_model import NOW, ago

A, B, C = "192.0.2.2", "192.0.2.10", "2001:db8::1"
RULES = Rules(distinct_error_paths=10, uri_thresholds={"/login": UriRule(error_threshold=5)})
FORMATS = {"web": LogFormat.CLOUDFRONT, "acl": LogFormat.WAF}


def entry(minutes: int, count: int, *, paths: int | None = None, times: int = 1) -> Entry:
    return Entry(max_per_minute=count, updated_at=ago(minutes), distinct_error_paths=paths, times=times)


def test_a_client_of_several_sources_is_one_block_with_all_reasons_and_the_latest_end() -> None:
    states = {
        "web": SourceState(general={A: entry(9, 73, paths=12)}, uri={"/login": {A: entry(2, 6)}}),
        "acl": SourceState(general={A: entry(4, 140)}),
    }
    (block,) = blocks_of(states, formats=FORMATS, rules=RULES)
    assert (block.client, block.max_per_minute, block.updated_at) == (A, 140, ago(2))
    assert (block.until - NOW).total_seconds() == (240 - 2) * 60
    assert block.reasons == (
        "140 requests in one minute (threshold 100), last 2026-11-24 11:56:00 UTC, log acl",
        "73 errors in one minute (threshold 50), last 2026-11-24 11:51:00 UTC, log web",
        "12 different paths with errors in one minute (threshold 10), last 2026-11-24 11:51:00 UTC, log web",
        "6 errors of /login in one minute (threshold 5), last 2026-11-24 11:58:00 UTC, log web",
    )


def test_only_reached_thresholds_are_reasons() -> None:
    (block,) = blocks_of({"web": SourceState(general={A: entry(9, 3, paths=10)})}, formats=FORMATS, rules=RULES)
    assert [reason.split(",")[0] for reason in block.reasons] == [
        "10 different paths with errors in one minute (threshold 10)"
    ]


def test_an_earlier_offence_of_a_repeat_offender_can_end_later() -> None:
    rules = replace(RULES, repeat_offenders=RepeatOffenders())
    states = {"web": SourceState(general={A: entry(100, 60, times=2)}), "acl": SourceState(general={A: entry(1, 100)})}
    (block,) = blocks_of(states, formats=FORMATS, rules=rules)
    assert (block.until - NOW).total_seconds() == (480 - 100) * 60
    assert block.updated_at == ago(1)


def test_the_worst_come_first_then_the_latest_then_the_smaller_address() -> None:
    general = {
        C: entry(5, 70),
        B: entry(5, 70),
        A: entry(5, 70),
        "192.0.2.77": entry(4, 70),
        "192.0.2.99": entry(99, 71),
    }
    found = blocks_of({"web": SourceState(general=general)}, formats=FORMATS, rules=RULES)
    assert [block.client for block in found] == ["192.0.2.99", "192.0.2.77", A, B, C]


def test_a_source_or_path_out_of_the_settings_blocks_nobody() -> None:
    state = SourceState(general={A: entry(1, 99)}, uri={"/old": {B: entry(1, 99)}})
    assert blocks_of({"gone": state}, formats=FORMATS, rules=RULES) == ()
    assert [block.client for block in blocks_of({"web": state}, formats=FORMATS, rules=RULES)] == [A]
