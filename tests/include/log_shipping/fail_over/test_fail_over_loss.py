"""What an approval says is lost."""

from datetime import UTC, datetime

from include.log_shipping.fail_over.loss import Loss, brief, digest_of, headline
from tests.include.log_shipping.fail_over.fail_over_run import loss_of


def test_a_restored_tail_loses_nothing() -> None:
    loss = loss_of("Sales", with_tail=True, source_seen="RESTORING")
    assert loss.seconds == 0.0
    assert loss.sentence() == "Sales: nothing is lost; the tail is restored up to LSN 34000000016700004."
    assert headline([loss]) == "nothing is lost"


def test_a_loss_counts_from_where_all_commits_are_surely_there() -> None:
    assert loss_of("Sales").seconds == 300.0


def test_the_sentence_names_seconds_lsn_and_both_times() -> None:
    sentence = loss_of("Sales").sentence()
    for part in (
        "at most 300 s",
        "LSN 34000000016700004",
        "2026-03-01 11:55:00.000 UTC",
        "2026-03-01 11:55:02.000 UTC",
    ):
        assert part in sentence


def test_a_loss_of_unknown_time_is_never_called_zero() -> None:
    unknown = loss_of("HR", certain_until=None, restored_until=None)
    assert unknown.seconds is None
    assert "unknown time" in headline([loss_of("Sales"), unknown])
    text = brief([loss_of("Sales"), unknown], refused={}, reason="fire", report_uri="s3://x")
    assert text.index("HR:") < text.index("Sales:")


def test_a_clock_that_jumped_back_does_not_make_a_loss_negative() -> None:
    assert loss_of("Sales", counted_until=datetime(2026, 3, 1, 11, tzinfo=UTC)).seconds == 0.0


def test_the_headline_counts_only_databases_that_lose() -> None:
    losses = [loss_of("Sales"), loss_of("HR", with_tail=True)]
    assert headline(losses) == "at most 300 s of commits of 1 database(s) are lost"


def test_fifty_databases_fit_into_one_approval_and_the_worst_stand_first() -> None:
    losses = [loss_of(f"db{n}", certain_until=datetime(2026, 3, 1, 11, n, tzinfo=UTC)) for n in range(50)]
    text = brief(losses, refused={"x": "x cannot move: why."}, reason="fire", report_uri="s3://lake/losses.json")
    assert text.index("db0:") < text.index("db1:")
    assert "and 35 more that lose no more than these: `s3://lake/losses.json`" in text
    assert "x cannot move: why." in text


def test_the_digest_changes_with_every_fact_and_with_nothing_else() -> None:
    losses = [loss_of("Sales"), loss_of("HR")]
    same = digest_of(losses)
    assert digest_of(losses[::-1]) == same
    assert digest_of([loss_of("Sales", not_restored=("a file",)), loss_of("HR")]) == same
    for change in ({"restored_lsn": 1}, {"fork": "X"}, {"with_tail": True}, {"source_seen": "ONLINE"}):
        assert digest_of([loss_of("Sales", **change), loss_of("HR")]) != same


def test_a_loss_survives_being_kept() -> None:
    for loss in (loss_of("Sales", not_restored=("gap",)), loss_of("HR", certain_until=None, restored_until=None)):
        assert Loss.from_dict(loss.to_dict()) == loss
