"""Recall and table size of the shipped rules beside a naive union of keys, on the same labelled history.

The naive way: six kinds of key (organisational domain of links and of senders, exact URL, URL path with digits folded,
resource URL, attachment hash), kept when one malicious mail and no benign one has the key, the domain is not popular,
and the last malicious mail is at most 90 days old.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from include.ioc_refresh.domains import Popularity, organisational_domain
from include.ioc_refresh.history import VERDICT_OF_LABEL, read_history
from include.ioc_refresh.replay import ReplaySettings, replay

SHARED = Path(os.environ.get("LANDFALL_SHARED", Path(__file__).resolve().parents[2] / "shared"))
WARM_UP = 0.7
AGE = timedelta(days=90)


def run() -> Iterator[dict[str, Any]]:
    """Yield ioc_recall and ioc_items at 24 h delay and daily refresh, and at 1 h and hourly."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        mails, popularity, source = _material(Path(folder))
        history = read_history(mails, popularity)
        for hours in (24, 1):
            step = timedelta(hours=hours)
            ours = replay(history.mails, popularity, ReplaySettings(WARM_UP, step, step))
            recall, benign, items = naive(mails, popularity, step)
            note = f"{source}; label delay and refresh {hours} h; benign hits {ours['benign_hits']} against {benign}"
            kinds = ", ".join(
                f"{kind} {count['hits']} ({count['only']} alone)" for kind, count in ours["kinds"].items()
            )
            yield _line(f"ioc_recall_{hours}h", ours["recall"], recall, "share", f"{note}; mails hit by kind: {kinds}")
            yield _line(f"ioc_items_{hours}h", ours["table_items_mean"], items, "items", note)


def naive(path: Path, popularity: Popularity, step: timedelta) -> tuple[float, int, float]:
    """Replay the naive union; return recall, benign mails hit and mean table size over the judged part."""
    mails = sorted(_records(path), key=lambda mail: mail[0])
    first, last = mails[0][0], mails[-1][0]
    split = first + (last - first) * WARM_UP
    seen: dict[tuple[str, str], datetime] = {}
    benign_keys: set[tuple[str, str]] = set()
    hits: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    sizes: list[int] = []
    taught, table, as_of = 0, set[tuple[str, str]](), first
    for moment, verdict, keys in mails:
        while as_of + step <= moment:
            as_of += step
            while taught < len(mails) and mails[taught][0] + step <= as_of:
                _teach(mails[taught], seen, benign_keys)
                taught += 1
            if as_of + step >= split:
                table = {key for key, day in seen.items() if day > as_of - AGE and key not in benign_keys}
                table = {key for key in table if key[1] not in popularity.domains}
            if as_of >= split:
                sizes.append(len(table))
        if moment >= split and verdict:
            totals[verdict] += 1
            hits[verdict] += not table.isdisjoint(keys)
    return hits["malicious"] / max(totals["malicious"], 1), hits["benign"], sum(sizes) / max(len(sizes), 1)


def _teach(mail: tuple[datetime, str | None, frozenset[tuple[str, str]]], seen: Any, benign: Any) -> None:
    moment, verdict, keys = mail
    if verdict == "malicious":
        seen.update(dict.fromkeys(keys, moment))
    elif verdict == "benign":
        benign.update(keys)


def _records(path: Path) -> Iterator[tuple[datetime, str | None, frozenset[tuple[str, str]]]]:
    import gzip
    import json

    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as lines:
        for line in lines:
            record = json.loads(line)
            moment = datetime.fromisoformat(record["time"]).astimezone(UTC)
            yield moment, VERDICT_OF_LABEL[record["label"]], frozenset(_naive_keys(record))


def _naive_keys(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("domain", "envelope_domain", "reply_to_domain"):
        domain = organisational_domain(record["sender"].get(name) or "")
        if domain:
            yield "sender", domain
    for item in record["Urls"]:
        url = item["Url"]
        try:
            host, path = urlsplit(url).hostname, urlsplit(url).path
        except ValueError:
            continue
        if item.get("Kind") == "res":
            yield "resource", url
            continue
        yield "url", url
        if host and (domain := organisational_domain(host)):
            yield "link", domain
        if len(path) >= 8:
            yield "shape", re.sub(r"\d+", "0", path)
    for item in record["Attachments"]:
        if item.get("Sha256Hash"):
            yield "hash", item["Sha256Hash"]


def _material(folder: Path) -> tuple[Path, Popularity, str]:
    mails, popular = SHARED / "data/mail/mails.jsonl.gz", SHARED / "data/lists/cloudflare-top100k.json.gz"
    if mails.is_file() and popular.is_file():
        return mails, Popularity.load(popular), "real labelled mails, top-100k list"
    return _generated(folder / "sample.jsonl"), Popularity.load(), "generated sample, shipped list"


def _generated(path: Path) -> Path:
    import json

    from include.ioc_refresh.sample import sample_mails

    end = datetime(2026, 3, 10, tzinfo=UTC)
    records: Sequence[Any] = list(sample_mails(end=end, span=timedelta(days=120), count=3000))
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    return path


def _line(name: str, ours: float, peer: float, unit: str, note: str) -> dict[str, Any]:
    ratio = ours / peer if peer else None
    return {"name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit, "note": note}


if __name__ == "__main__":
    import json

    for line in run():
        print(json.dumps(line))
