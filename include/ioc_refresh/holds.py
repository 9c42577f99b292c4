"""A hold keeps the refresh away from the indicator table after people decided against its result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from include.ioc_refresh.lake import Lake

LONGEST_HOURS = 168
HOURS_AFTER_REJECTION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """No refresh starts or writes before `until` (UTC); `by` is a user name, `reason` a sentence."""

    since: datetime
    until: datetime
    by: str
    reason: str

    def sentence(self) -> str:
        """Say why nothing happens, until when, and what to do."""
        return (
            f"Refreshes are held until {self.until:%Y-%m-%d %H:%M} UTC by {self.by}: {self.reason} "
            "To end the hold, trigger ioc_refresh_generate with release_hold switched on."
        )


def put_hold(lake: Lake, *, at: datetime, hours: float, by: str, reason: str) -> Hold:
    """Hold refreshes for some hours, at most 168; a longer hold that already stands is kept."""
    wanted = Hold(since=at, until=at + timedelta(hours=min(hours, LONGEST_HOURS)), by=by, reason=reason)
    standing = read_hold(lake)
    if standing and standing.until >= wanted.until:
        return standing
    lake.put_json(_key(lake), _document(wanted))
    return wanted


def record_mass_change(lake: Lake, *, version: str, answer: Mapping[str, Any]) -> None:
    """Keep the answer to a mass change; a rejection holds refreshes, or the same question would come in five minutes.

    `answer` has `approved`, `by` (None: nobody answered in time, which holds nothing) and `at` (ISO 8601).
    """
    lake.put_json(lake.settings.key("audit", "mass_change", f"{version}.json"), dict(answer))
    if answer["by"] and not answer["approved"]:
        at, reason = datetime.fromisoformat(answer["at"]), f"the mass change of refresh {version} was rejected."
        put_hold(lake, at=at, hours=HOURS_AFTER_REJECTION, by=answer["by"], reason=reason)


def release_hold(lake: Lake) -> Hold | None:
    """End the hold and return it, or None when there was none."""
    hold = read_hold(lake)
    lake.client.delete_object(Bucket=lake.settings.bucket, Key=_key(lake))
    return hold


def read_hold(lake: Lake) -> Hold | None:
    """Return the hold that was put last, whether it still stands or has run out."""
    try:
        document = lake.get_json(_key(lake))
    except lake.client.exceptions.NoSuchKey:
        return None
    times = {name: datetime.fromisoformat(document[name]) for name in ("since", "until")}
    return Hold(**{**document, **times})


def standing_hold(lake: Lake, *, at: datetime) -> Hold | None:
    """Return the hold that forbids refreshes at a time, or None."""
    hold = read_hold(lake)
    return hold if hold and at < hold.until else None


def _key(lake: Lake) -> str:
    return lake.settings.key("hold.json")


def _document(hold: Hold) -> dict[str, Any]:
    return {**asdict(hold), "since": hold.since.isoformat(), "until": hold.until.isoformat()}
