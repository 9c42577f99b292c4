"""An entry of the indicator table: the evidence against a value, an analyst's suppression of it, or both."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.ioc_refresh.kinds import Kind

Item = dict[str, dict[str, str]]

SWEEP_ATTRIBUTE = "delete_after"
"""The table's TTL attribute (epoch seconds). It is not `expires_at`: TTL would take an item away before a refresh could
record why, and a suppression that outlives its evidence would go with it. Suppressed evidence has none."""

SWEEP_GRACE = timedelta(days=7)
"""How long an expired item waits for a refresh to remove it with a reason, before TTL does."""

EVIDENCE_ATTRIBUTES = (
    "kind",
    "value",
    "domain",
    "malicious",
    "benign",
    "first_day",
    "last_day",
    "expires_at",
    "query_version",
    "refresh",
)
SUPPRESSION_ATTRIBUTES = ("suppressed_until", "suppressed_by", "suppress_reason", "suppressed_at")


class UnreadableEntryError(ValueError):
    """An item of the indicator table that this program did not write, or a broken line of a snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """A value with the evidence against it: distinct mails, days of receipt (UTC), end of life to the second.

    `refresh` is the sequence of the refresh that wrote it, `query_version` the query that found it.
    """

    kind: Kind
    value: str
    domain: str | None
    malicious: int
    benign: int
    first_day: date
    last_day: date
    expires_at: datetime
    query_version: str
    refresh: int

    def __post_init__(self) -> None:
        """Refuse a time without zone; cut fractions of a second, which the table cannot keep."""
        if self.expires_at.tzinfo is None:
            raise ValueError(f"expires_at of {self.key}: give a time with its zone")
        if self.expires_at.microsecond:
            object.__setattr__(self, "expires_at", self.expires_at.replace(microsecond=0))

    @property
    def key(self) -> str:
        """Its key in the table."""
        return entry_key(self.kind, self.value)

    def expired(self, now: datetime) -> bool:
        """Whether its life is over."""
        return self.expires_at <= now

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document with the fields' names."""
        return {
            **asdict(self),
            "kind": str(self.kind),
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "expires_at": self.expires_at.astimezone(UTC).isoformat(),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Indicator":
        """Read what `to_dict` wrote, or a row of the table `candidates` with its refresh added.

        Days and times may be text or date and datetime; a time without zone is UTC. Raises UnreadableEntryError.
        """
        try:
            expires_at = _moment(document["expires_at"])
            return cls(
                kind=Kind(document["kind"]),
                value=str(document["value"]),
                domain=document["domain"],
                malicious=int(document["malicious"]),
                benign=int(document["benign"]),
                first_day=_day(document["first_day"]),
                last_day=_day(document["last_day"]),
                expires_at=expires_at,
                query_version=str(document["query_version"]),
                refresh=int(document["refresh"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UnreadableEntryError(f"not an indicator ({type(error).__name__}: {error}): {document!r}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An analyst's word that a value is no indicator until a time; `by` is a user name, `reason` a sentence."""

    until: datetime
    by: str
    reason: str
    at: datetime

    def active(self, now: datetime) -> bool:
        """Whether it still holds."""
        return now < self.until


@dataclass(frozen=True, slots=True)
class TableEntry:
    """What the table holds under one key; at least one of the two is set."""

    indicator: Indicator | None = None
    suppression: Suppression | None = None

    def is_suppressed(self, now: datetime) -> bool:
        """Whether an analyst's word holds now."""
        return self.suppression is not None and self.suppression.active(now)

    def is_live(self, now: datetime) -> bool:
        """Whether a mail is hit by it: there is evidence, it has not expired, and nobody suppressed it."""
        return self.indicator is not None and not self.indicator.expired(now) and not self.is_suppressed(now)


def entry_key(kind: Kind, value: str) -> str:
    """Return the table's partition key, `<kind>#<value>`."""
    return kind + "#" + value


def evidence_attributes(indicator: Indicator) -> Item:
    """Return an indicator's attributes in DynamoDB's low-level form, without key and TTL; no domain, no attribute."""
    item = {
        "kind": {"S": str(indicator.kind)},
        "value": {"S": indicator.value},
        "malicious": {"N": str(indicator.malicious)},
        "benign": {"N": str(indicator.benign)},
        "first_day": {"S": indicator.first_day.isoformat()},
        "last_day": {"S": indicator.last_day.isoformat()},
        "expires_at": {"N": epoch(indicator.expires_at)},
        "query_version": {"S": indicator.query_version},
        "refresh": {"N": str(indicator.refresh)},
    }
    return item | ({"domain": {"S": indicator.domain}} if indicator.domain is not None else {})


def suppression_attributes(suppression: Suppression) -> Item:
    """Return the attributes of a suppression in DynamoDB's low-level form."""
    return {
        "suppressed_until": {"N": epoch(suppression.until)},
        "suppressed_by": {"S": suppression.by},
        "suppress_reason": {"S": suppression.reason},
        "suppressed_at": {"N": epoch(suppression.at)},
    }


def entry_of(item: Mapping[str, Mapping[str, str]]) -> TableEntry:
    """Read an item in DynamoDB's low-level form; raises UnreadableEntryError, naming its key."""
    plain = {name: next(iter(value.values())) for name, value in item.items()}
    try:
        return TableEntry(_indicator_of(plain), _suppression_of(plain))
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise UnreadableEntryError(
            f"The indicator table's item {plain.get('ioc')!r} cannot be read ({type(error).__name__}: {error}); "
            "delete it or write it again."
        ) from error


def epoch(moment: datetime) -> str:
    """Return whole epoch seconds as DynamoDB's number text."""
    return str(int(moment.timestamp()))


def _indicator_of(plain: Mapping[str, str]) -> Indicator | None:
    if "expires_at" not in plain:
        return None
    return Indicator.from_dict({**plain, "domain": plain.get("domain"), "expires_at": _instant(plain["expires_at"])})


def _suppression_of(plain: Mapping[str, str]) -> Suppression | None:
    if "suppressed_until" not in plain:
        return None
    return Suppression(
        until=_instant(plain["suppressed_until"]),
        by=plain["suppressed_by"],
        reason=plain["suppress_reason"],
        at=_instant(plain["suppressed_at"]),
    )


def _instant(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _moment(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
