"""Verdicts meet their mails: a report names a mail by id only, the receipt of that mail knows its keys."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from include.ioc_refresh.mails import NEWEST, OLDEST

PATIENCE = timedelta(days=7)
"""How long a verdict waits for its mail. The front door stores both within minutes; reports older than seven days are
not taken by mail services either (32Guards, public documentation)."""

RECEIPT_DAYS = 35
WORDS = ("benign", "malicious")


class Verdict(NamedTuple):
    """One report about a mail; times are UTC."""

    mail_id: str
    verdict: str
    reported_at: datetime
    arrived_at: datetime


class Receipt(NamedTuple):
    """What the front door noted of a mail: when it was received and arrived, and its keys (kind, value, domain)."""

    mail_id: str
    received_at: datetime
    arrived_at: datetime
    keys: tuple[tuple[str, str, str | None], ...]


class Evidence(NamedTuple):
    """One verdict with the keys of its mail: a row of the table `evidence`."""

    mail_id: str
    verdict: str
    reported_at: datetime
    received_at: datetime
    keys: tuple[tuple[str, str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Verdicts split into usable evidence, those whose mail is still awaited, and those given up with a reason."""

    evidence: tuple[Evidence, ...]
    pending: tuple[Verdict, ...]
    given_up: tuple[tuple[Verdict, str], ...]


def latest_verdicts(verdicts: Iterable[Verdict]) -> dict[str, Verdict]:
    """Keep one verdict a mail: the one reported last; of two at the same instant the malicious one."""
    latest: dict[str, Verdict] = {}
    for verdict in verdicts:
        known = latest.get(verdict.mail_id)
        if known is None or (verdict.reported_at, verdict.verdict) > (known.reported_at, known.verdict):
            latest[verdict.mail_id] = verdict
    return latest


def resolve(
    verdicts: Iterable[Verdict], *, receipts: Callable[[list[str]], Mapping[str, Receipt]], as_of: datetime
) -> Resolution:
    """Join verdicts to receipts; `receipts` is asked once with the distinct mail ids, sorted."""
    latest = latest_verdicts(verdicts)
    known = receipts(sorted(latest))
    evidence: list[Evidence] = []
    pending: list[Verdict] = []
    given_up: list[tuple[Verdict, str]] = []
    for mail_id, verdict in sorted(latest.items()):
        receipt = known.get(mail_id)
        if verdict.verdict not in WORDS:
            given_up.append((verdict, f"verdict: {verdict.verdict[:40]!r} is neither malicious nor benign"))
        elif receipt is None and as_of - verdict.arrived_at <= PATIENCE:
            pending.append(verdict)
        elif receipt is None:
            given_up.append((verdict, f"no mail with this id arrived within {PATIENCE.days} days"))
        elif not arrived_in_time(receipt):
            given_up.append((verdict, "the mail's time is not within 30 days before its arrival"))
        else:
            evidence.append(Evidence(mail_id, verdict.verdict, verdict.reported_at, receipt.received_at, receipt.keys))
    return Resolution(tuple(evidence), tuple(pending), tuple(given_up))


def arrived_in_time(receipt: Receipt) -> bool:
    """Whether a mail may teach: sql/recount.sql states the same rule, and both must change together."""
    return receipt.arrived_at - OLDEST <= receipt.received_at <= receipt.arrived_at + NEWEST


def receipt_item(receipt: Receipt) -> dict[str, Any]:
    """Return the DynamoDB item of a receipt (low-level form); it lives 35 days."""
    expires_at = receipt.arrived_at + timedelta(days=RECEIPT_DAYS)
    return {
        "mail_id": {"S": receipt.mail_id},
        "received_at": {"S": receipt.received_at.isoformat()},
        "arrived_at": {"S": receipt.arrived_at.isoformat()},
        "keys": {"S": json.dumps(receipt.keys, ensure_ascii=False, separators=(",", ":"))},
        "expires_at": {"N": str(int(expires_at.timestamp()))},
    }


def receipt_of(item: Mapping[str, Mapping[str, str]]) -> Receipt:
    """Read a DynamoDB item that `receipt_item` made."""
    return Receipt(
        item["mail_id"]["S"],
        datetime.fromisoformat(item["received_at"]["S"]),
        datetime.fromisoformat(item["arrived_at"]["S"]),
        tuple((kind, value, domain) for kind, value, domain in json.loads(item["keys"]["S"])),
    )


def verdict_to_dict(verdict: Verdict) -> dict[str, str]:
    """Return a JSON document of a verdict."""
    return {
        **verdict._asdict(),
        "reported_at": verdict.reported_at.isoformat(),
        "arrived_at": verdict.arrived_at.isoformat(),
    }


def verdict_of(document: Mapping[str, Any]) -> Verdict:
    """Read what `verdict_to_dict` wrote."""
    return Verdict(
        str(document["mail_id"]),
        str(document["verdict"]),
        datetime.fromisoformat(document["reported_at"]),
        datetime.fromisoformat(document["arrived_at"]),
    )
