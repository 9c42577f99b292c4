"""When a log object is from, by its key alone: so that a listing starts at the right day instead of years back.

Sources: CloudFront developer guide, "Access logs (standard logs)": `<prefix>/<distribution>.YYYY-MM-DD-HH.<id>.gz`, the
hour of the requests (UTC). Elastic Load Balancing user guide, "Access logs for your Application Load Balancer":
`…/yyyy/mm/dd/<account>_elasticloadbalancing_<region>_app.<load balancer>_<end time YYYYMMDDTHHMMZ>_<ip>_<id>.log.gz`.
AWS WAF developer guide, "Sending web ACL traffic logs to an Amazon S3 bucket": `…/YYYY/MM/dd/HH/mm/<name>.log.gz`;
Firehose writes `…/YYYY/MM/dd/HH/<name>`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from include.scanner_block.policy_model import LogFormat, LogSource

_DAY: Final = r"(\d{4})/(\d\d)/(\d\d)/"
_PATTERNS: Final = {
    LogFormat.CLOUDFRONT: re.compile(r"(\d{4})-(\d\d)-(\d\d)-(\d\d)\."),
    LogFormat.ALB: re.compile(_DAY),
    LogFormat.WAF: re.compile(_DAY + r"(\d\d)/(?:(\d\d)/)?"),
}
_STARTS: Final = {LogFormat.CLOUDFRONT: "%Y-%m-%d-%H", LogFormat.ALB: "%Y/%m/%d", LogFormat.WAF: "%Y/%m/%d/%H"}
_ALB_END: Final = re.compile(r"_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_")


def key_time(source: LogSource, key: str) -> datetime | None:
    """Return the UTC time that a key carries, as exactly as it does; None for a key that is no log of the source."""
    if not key.startswith(source.prefix) or key.endswith("/"):
        return None
    found = _PATTERNS[source.log_format].match(key, len(source.prefix))
    if found is None:
        return None
    time = _time(found)
    if time is None or source.log_format is not LogFormat.ALB:
        return time
    return _alb_time(time, _ALB_END.search(key, found.end()))


def listing_start(source: LogSource, since: datetime) -> str:
    """Return the key behind which every log of `since` (aware) and later lies: S3's `StartAfter`."""
    return source.prefix + since.astimezone(UTC).strftime(_STARTS[source.log_format])


def start_of(source: LogSource, since: datetime) -> datetime:
    """Return the UTC time of the earliest key that a listing from `since` finds: the begin of its hour, or its day."""
    whole = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return whole.replace(hour=0) if source.log_format is LogFormat.ALB else whole


def _alb_time(day: datetime, end: re.Match[str] | None) -> datetime:
    """Return the end time in a load balancer's log name, kept within the day of its folder: listings go by folder."""
    time = _time(end) if end else None
    return min(max(time or day, day), day + timedelta(days=1, minutes=-1))


def _time(found: re.Match[str]) -> datetime | None:
    try:
        year, month, day, hour, minute = ([int(part or 0) for part in found.groups()] + [0, 0])[:5]
        return datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:  # 2026/13/45 is a folder, but no day
        return None
