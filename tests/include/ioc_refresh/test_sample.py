"""Sample mail is deterministic, usable, and looks like what the workflow expects."""

from datetime import UTC, datetime, timedelta

from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.keys import mail_keys
from include.ioc_refresh.mails import parse_mail
from include.ioc_refresh.sample import sample_mails

END = datetime(2026, 3, 10, 12, tzinfo=UTC)


def sample(seed: int = 1) -> list[dict]:
    return list(sample_mails(end=END, span=timedelta(days=10), count=300, seed=seed))


def test_the_same_seed_gives_the_same_mails_and_another_seed_gives_others() -> None:
    assert sample() == sample()
    assert {mail["id"] for mail in sample(1)}.isdisjoint({mail["id"] for mail in sample(2)})


def test_every_mail_is_taken_as_it_is_and_has_keys() -> None:
    popularity = Popularity.load()
    for record in sample():
        mail = parse_mail(record, arrived_at=END)
        assert mail.notes == ()
        assert mail_keys(mail, popularity)


def test_mails_come_in_time_order_up_to_the_end_with_all_labels() -> None:
    mails = sample()
    times = [mail["time"] for mail in mails]
    assert times == sorted(times)
    assert times[-1] == "2026-03-10T12:00:00Z"
    assert {mail["label"] for mail in mails} == {"phishing", "ham", "spam"}


def test_the_sample_uses_popular_hosts_that_the_shipped_list_covers() -> None:
    from include.ioc_refresh.sample import POPULAR_HOSTS

    popularity = Popularity.load()
    assert all(popularity.covers(host) for host in POPULAR_HOSTS)
