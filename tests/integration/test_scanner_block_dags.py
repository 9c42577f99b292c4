"""The DAGs of scanner blocking, run as Airflow runs them, on the local AWS.

Each test goes on where the last one ended.
"""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.dag_runner import DagRunner, Run
from tests.integration.scanner_site import SETS, START, Site, lines, settings_for
from tests.local_aws import start_local_aws

pytestmark = pytest.mark.airflow

SCANNER, SECOND, LATE, GATEWAY = "192.0.2.10", "2001:db8::10", "192.0.2.30", "198.51.100.1"
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("scanner")
    settings, environment = settings_for("scanner-dags")
    with start_local_aws(home / "aws") as aws, DagRunner(home, aws, settings=environment) as runner:
        yield Site(aws, runner, settings)


def done(run: Run) -> dict[str, Any]:
    assert run.state == "success", run.log[-6000:]
    assert run.states["commit_update"] == "success", run.states
    found: dict[str, Any] = run.results["commit_update"]
    return found


def bytes_of(site: Site, *keys: str) -> int:
    return sum(site.store.client.head_object(Bucket=site.settings.bucket, Key=key)["ContentLength"] for key in keys)


def test_01_outstanding_clients_are_blocked_and_an_approved_one_is_not(site: Site) -> None:
    site.approve([f"{GATEWAY}/32"])
    quiet = [line for n in range(40, 60) for line in lines(f"203.0.113.{n}", START, count=3, status=200)]
    key = site.deliver(
        [
            *quiet,
            *lines(SCANNER, START, count=30),
            *lines("2001:DB8:0::10", START, count=12),
            *lines(SECOND, START, count=12),
            *lines(GATEWAY, START, count=300),
            "rubbish\t\x01\tline",
        ]
    )
    run = site.update()
    facts = done(run)
    assert site.blocked() == {SCANNER, SECOND}
    assert facts["calls"] == 2
    assert facts["new_blocks"][0]["reasons"] == [
        f"30 errors in one minute (threshold 20), last {START:%Y-%m-%d %H}:00:48 UTC, log web"
    ]
    assert run.results["collect_counts"]["scanned_bytes"] == bytes_of(site, key)
    assert facts["logs"]["web"]["unreadable"] == 1
    assert run.results["check_logs"]["gate"]["verdict"] == "pass"
    assert [alert["subject"] for alert in site.alerts()] == ["[Landfall] Scanner block: 2 added, 0 removed, 2 blocked"]


def test_02_nothing_new_ends_after_the_first_task_and_calls_nobody(site: Site) -> None:
    run = site.update()
    assert run.states.pop("plan_update") == "success"
    assert set(run.states.values()) == {"skipped"}
    assert len(site.journal()) == 1


def test_03_a_minute_that_is_spread_over_objects_and_late_is_summed(site: Site) -> None:
    site.deliver(lines(LATE, START, count=12))
    assert done(site.update())["added"] == 0
    site.deliver(lines(LATE, START, count=8))
    run = site.update()
    assert done(run)["new_blocks"][0]["max_per_minute"] == 20
    assert LATE in site.blocked()
    assert run.results["write_sets"]["calls"] == 1


def test_04_the_same_content_under_another_name_counts_once(site: Site) -> None:
    content = gzip.compress("\n".join(lines("192.0.2.40", START, count=15)).encode(), mtime=0)
    site.deliver([], body=content)
    site.deliver([], body=content)
    run = site.update()
    assert run.results["plan_update"] | {"objects": 1, "same_content": 1} == run.results["plan_update"]
    assert "192.0.2.40" not in site.blocked()


def test_05_an_object_that_athena_cannot_read_costs_no_line_that_can_be_read(site: Site) -> None:
    whole = gzip.compress("\n".join(lines("192.0.2.50", START, count=400)).encode(), mtime=0)
    key = site.deliver([], body=whole[: len(whole) // 2])
    other = site.deliver(lines("192.0.2.51", START, count=25))
    run = site.update()
    facts = done(run)
    assert {"192.0.2.50", "192.0.2.51"} <= site.blocked()
    assert set(facts["logs"]["web"]["read_here"]) == {key, other}
    assert facts["logs"]["web"]["unreadable"] == 1


def test_06_edits_by_hand_are_kept_and_reported(site: Site) -> None:
    held = site.set_addresses(SETS[0])
    site.edit_by_hand(SETS[0], [*(cidr for cidr in held if not cidr.startswith(LATE)), "203.0.113.200/32"])
    facts = done(site.update())
    assert (facts["put_in_by_hand"], facts["taken_out_by_hand"]) == (["203.0.113.200/32"], [f"{LATE}/32"])
    assert facts["calls"] == 0
    site.deliver(lines("192.0.2.60", site.clock, count=25))
    facts = done(site.update())
    assert {"203.0.113.200", "192.0.2.60"} <= site.blocked()
    assert LATE not in site.blocked()
    assert (facts["put_in_by_hand"], facts["taken_out_by_hand"]) == ([], [])


def test_07_a_release_takes_a_client_out_until_its_next_offence(site: Site) -> None:
    conf = {"client": SCANNER, "reason": "it is the partner's gateway"}
    run = site.run("release", conf=conf)
    assert run.state == "success", run.log[-6000:]
    assert run.results["find_blocks"]["blocks"][0]["client"] == SCANNER
    assert SCANNER not in site.blocked()
    site.deliver(lines(SCANNER, START, count=30))  # a late log of the same minute
    done(site.update())
    assert SCANNER not in site.blocked()
    site.deliver(lines(SCANNER, site.clock + MINUTE, count=30))
    done(site.update())
    assert SCANNER in site.blocked()


def test_08_a_release_with_approval_is_for_good(site: Site) -> None:
    run = site.run("release", conf={"client": SCANNER, "reason": "it is the partner's gateway", "approve": True})
    assert run.state == "success", run.log[-6000:]
    site.deliver(lines(SCANNER, site.clock + MINUTE, count=30))
    done(site.update())
    assert SCANNER not in site.blocked()
    assert f"{SCANNER}/32" in str(site.store.get_json(site.settings.approved_key))


def test_09_an_unreadable_approved_list_changes_nothing_and_is_told_once(site: Site) -> None:
    before, told = site.blocked(), len(site.alerts())
    kept = site.store.get_bytes(site.settings.approved_key)
    site.store.put_bytes(site.settings.approved_key, b'["198.51.100.1", "not an address"]')
    site.deliver(lines("192.0.2.90", site.clock, count=30))
    for minutes in (5, 5):
        run = site.update(minutes=minutes)
        assert run.state == "failed"
        assert (run.states["plan_update"], run.states["decide_blocks"]) == ("failed", "failed")
    assert site.blocked() == before
    assert len(site.alerts()) == told + 1
    site.store.put_bytes(site.settings.approved_key, kept)
    done(site.update())
    assert "192.0.2.90" in site.blocked()


def test_10_logs_that_cannot_be_read_block_nobody_but_let_go_of_who_is_due(site: Site) -> None:
    site.deliver(["not a log line"] * 200 + lines("192.0.2.100", site.clock + 58 * MINUTE, count=30))
    run = site.update(minutes=61)
    assert run.state == "failed"
    assert (run.states["check_logs"], run.states["write_sets"], run.states["commit_update"]) == (
        "failed",
        "success",
        "failed",
    )
    assert site.blocked() == {"203.0.113.200"}  # put in by hand, so only a person takes it out
    facts = done(site.update(conf={"use_bad_logs": True}))
    assert facts["logs"]["web"]["unreadable"] == 200
    assert site.blocked() == {"203.0.113.200", "192.0.2.100"}


def test_11_a_mass_change_waits_for_a_person_while_others_are_let_go(site: Site) -> None:
    answered = datetime.now(UTC).replace(
        second=0, microsecond=0
    )  # people answer now, and that pardons what came before
    site.clock = answered - timedelta(minutes=30)
    site.deliver(lines("192.0.2.100", site.clock, count=25))
    site.good_run = done(site.update())["sequence"]
    many = [f"192.0.2.{n}" for n in range(110, 130)]
    site.deliver([line for client in many for line in lines(client, site.clock, count=25)])
    run = site.update(answers={"approve_mass_change": {"option": "Reject", "user": "analyst"}})
    assert run.state == "success", run.log[-6000:]
    assert run.results["decide_blocks"]["held_back"] == 20
    assert run.states["allow_mass_change"] == "skipped"
    done(site.update())
    assert not site.blocked() & set(many)
    site.clock = answered + 5 * MINUTE
    site.deliver([line for client in many for line in lines(client, site.clock, count=25)])
    run = site.update(answers={"approve_mass_change": {"option": "Approve", "user": "analyst"}})
    assert run.results["allow_mass_change"]["clients"] == 20
    assert not site.blocked() & set(many)
    assert done(site.update())["added"] == 20
    assert set(many) <= site.blocked()


def test_12_a_roll_back_returns_the_sets_of_an_earlier_run(site: Site) -> None:
    run = site.run(
        "roll_back",
        conf={"sequence": site.good_run, "reason": "the flood was our own load test"},
        user="analyst",
        answers={"approve_roll_back": {"option": "Approve", "user": "oncall"}},
    )
    assert run.state == "success", run.log[-6000:]
    assert site.blocked() == {"203.0.113.200", "192.0.2.100"}
    done_or_quiet = site.update()
    assert done_or_quiet.state == "success"
    assert site.blocked() == {"203.0.113.200", "192.0.2.100"}


def test_13_blocks_end_with_no_traffic_one_tick_after_they_are_due(site: Site) -> None:
    ends = [datetime.fromisoformat(site.journal()[-1]["facts"]["next_due"])]
    site.clock = ends[0] - timedelta(minutes=5, seconds=1)
    site.update()
    assert "192.0.2.100" in site.blocked()
    facts = done(site.update(minutes=1 / 60))
    assert facts["released"] == [{"client": "192.0.2.100/32", "reason": "its time is over"}]
    assert site.blocked() == {"203.0.113.200"}


def test_14_a_dry_run_writes_nothing(site: Site) -> None:
    site.deliver(lines("192.0.2.140", site.clock, count=25))
    before = len(site.journal())
    run = site.update(conf={"dry_run": True})
    assert run.state == "success", run.log[-6000:]
    assert run.results["decide_blocks"]["added"] == 1
    assert (run.states["write_sets"], len(site.journal())) == ("skipped", before)
    assert "192.0.2.140" not in site.blocked()
