"""The back-test: who may teach when, what is a hit, and how the score is counted."""

from datetime import UTC, datetime, timedelta

import pytest

from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.history import LabelledMail
from include.ioc_refresh.keys import IocKey
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.replay import ReplaySettings, replay, wilson

START = datetime(2026, 3, 1, tzinfo=UTC)
NOBODY = Popularity(frozenset({"popular.com"}), "test", "2026-03-01")
DAILY = ReplaySettings(warmup=0.5, label_delay=timedelta(hours=24), every=timedelta(hours=24))


def mail(name: str, *, hours: float, verdict: str | None, domain: str = "evil.work", kind: Kind = Kind.LINK_DOMAIN):
    keys = (IocKey(kind, domain, domain if "." in domain and "/" not in domain else None),)
    return LabelledMail(name, START + timedelta(hours=hours), verdict, keys, keys)


def filler(hours: float) -> LabelledMail:
    return mail(f"filler-{hours}", hours=hours, verdict=None, domain="filler.work")


def score(*mails: LabelledMail, settings: ReplaySettings = DAILY) -> dict:
    return replay(sorted(mails, key=lambda each: (each.received_at, each.mail_id)), NOBODY, settings)


def test_a_mail_teaches_only_once_it_is_older_than_the_label_delay() -> None:
    # Taught at 1 h: its verdict is 24 h later, so the refresh at 24 h does not know it and the one at 48 h does.
    result = score(
        filler(0),
        mail("teacher", hours=1, verdict="malicious"),
        mail("too-early", hours=47, verdict="malicious"),
        mail("in-time", hours=49, verdict="malicious"),
        filler(90),
        settings=ReplaySettings(warmup=0.5, label_delay=timedelta(hours=24), every=timedelta(hours=24)),
    )
    assert result["hits"] == ["in-time"]
    assert (result["test_malicious"], result["recall"]) == (2, 0.5)


def test_a_mail_exactly_as_old_as_the_delay_may_teach() -> None:
    result = score(
        mail("teacher", hours=0, verdict="malicious"), mail("asker", hours=24, verdict="malicious"), filler(40)
    )
    assert result["hits"] == ["asker"]


def test_a_benign_mail_protects_its_keys() -> None:
    result = score(
        mail("bad", hours=0, verdict="malicious"),
        mail("good", hours=1, verdict="benign"),
        mail("asker", hours=60, verdict="malicious"),
        filler(72),
    )
    assert result["hits"] == []
    assert result["indicators"] == []


def test_spam_neither_teaches_nor_counts() -> None:
    result = score(
        mail("unwanted", hours=0, verdict=None),
        mail("asker", hours=60, verdict="malicious"),
        mail("spam", hours=61, verdict=None),
        filler(72),
    )
    assert (result["hits"], result["test_malicious"], result["test_benign"]) == ([], 1, 0)


def test_a_popular_domain_never_becomes_an_indicator_even_when_a_key_slips_through() -> None:
    result = score(
        mail("bad", hours=0, verdict="malicious", domain="popular.com"),
        mail("asker", hours=60, verdict="malicious", domain="popular.com"),
        filler(72),
    )
    assert (result["hits"], result["popular_iocs"]) == ([], 0)


def test_a_domain_ages_out_ninety_days_after_its_last_malicious_mail() -> None:
    mails = [
        mail("teacher", hours=0, verdict="malicious"),
        mail("day-89", hours=89 * 24, verdict="benign", domain="evil.work"),
        filler(100 * 24),
    ]
    settings = ReplaySettings(warmup=0.1, label_delay=timedelta(hours=24 * 50), every=timedelta(hours=24))
    assert score(*mails, settings=settings)["hits"] == ["day-89"]
    late = [mails[0], mail("day-92", hours=92 * 24, verdict="benign"), filler(100 * 24)]
    assert score(*late, settings=settings)["hits"] == []


def test_one_mail_does_not_make_a_path_shape_two_do() -> None:
    shape = {"domain": "/parcel/session/*", "kind": Kind.PATH_SHAPE}
    once = [mail("a", hours=0, verdict="malicious", **shape), mail("asker", hours=60, verdict="malicious", **shape)]
    twice = [*once, mail("b", hours=2, verdict="malicious", **shape)]
    assert score(*once, filler(72))["hits"] == []
    assert score(*twice, filler(72))["hits"] == ["asker"]


def test_an_exact_url_is_kept_only_where_its_domain_cannot_be() -> None:
    domain = IocKey(Kind.LINK_DOMAIN, "hacked.org", "hacked.org")
    url = IocKey(Kind.EXACT_URL, "hacked.org/wp/login.html", "hacked.org")
    bad = LabelledMail("bad", START, "malicious", (domain, url), (domain, url))
    good = LabelledMail("good", START + timedelta(hours=1), "benign", (domain,), (domain,))
    later = LabelledMail("asker", START + timedelta(hours=60), "malicious", (domain, url), (domain, url))
    assert [each["kind"] for each in score(bad, later, filler(72))["indicators"]] == ["link_domain"]
    assert [each["kind"] for each in score(bad, good, later, filler(72))["indicators"]] == ["exact_url"]


def test_the_share_of_hits_comes_with_its_wilson_interval() -> None:
    low, high = wilson(45, 100)
    assert low == pytest.approx(0.3561, abs=1e-4)  # Wilson (1927) by hand: (0.45 + 0.0192 -+ 0.0978) / 1.0384
    assert high == pytest.approx(0.5476, abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("warmup", [-0.1, 1.0, 2.0])
def test_a_warm_up_that_leaves_nothing_to_judge_is_refused(warmup: float) -> None:
    with pytest.raises(ValueError, match="warmup"):
        ReplaySettings(warmup=warmup)


def test_refreshes_fall_on_the_first_mail_plus_whole_steps_inside_the_history() -> None:
    result = score(mail("a", hours=0, verdict="malicious"), filler(100), settings=DAILY)
    assert result["refreshes"] == 2  # at 72 h and 96 h; the split is at 50 h
