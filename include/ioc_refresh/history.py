"""A labelled mail history: the lines a back-test learns from and is judged by."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.keys import IocKey, lookup_keys, mail_keys
from include.ioc_refresh.mails import MailRejectedError, parse_mail, read_record

VERDICT_OF_LABEL = {"phishing": "malicious", "ham": "benign", "spam": None}
"""What a label teaches; spam neither teaches nor counts: it is unwanted, not an attack."""


@dataclass(frozen=True, slots=True)
class LabelledMail:
    """One line of a history: `teaches` are its keys for learning, `asks` the keys looked up at arrival."""

    mail_id: str
    received_at: datetime
    verdict: str | None
    teaches: tuple[IocKey, ...]
    asks: tuple[IocKey, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Mails in time order (ties by id), and the refused lines as (line number, reason)."""

    mails: tuple[LabelledMail, ...]
    refused: tuple[tuple[int, str], ...]


def read_history(path: Path, popularity: Popularity) -> History:
    """Read JSON lines (gzip or plain), each a mail record with `label`; a line that cannot be used is named, not fatal.

    Raises ValueError when no line can be used.
    """
    mails: list[LabelledMail] = []
    refused: list[tuple[int, str]] = []
    with _open(path) as lines:
        for number, line in _numbered(lines):
            try:
                mails.append(_labelled(line, popularity))
            except MailRejectedError as error:
                refused.append((number, str(error)))
    if not mails:
        why = f"line {refused[0][0]}: {refused[0][1]}" if refused else "the file is empty"
        raise ValueError(f"{path} holds no usable mail ({why}). Each line must be a mail record with a label.")
    return History(tuple(sorted(mails, key=lambda mail: (mail.received_at, mail.mail_id))), tuple(refused))


def _labelled(line: bytes, popularity: Popularity) -> LabelledMail:
    record = read_record(line)
    label = record.get("label")
    if label not in VERDICT_OF_LABEL:
        raise MailRejectedError(f"label: {json.dumps(label)[:40]} is none of {', '.join(VERDICT_OF_LABEL)}")
    mail = parse_mail(record, arrived_at=None)
    return LabelledMail(
        mail_id=mail.mail_id,
        received_at=mail.received_at,
        verdict=VERDICT_OF_LABEL[label],
        teaches=mail_keys(mail, popularity),
        asks=lookup_keys(mail, popularity),
    )


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as probe:
        is_gzip = probe.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path, "rb")) if is_gzip else path.open("rb")


def _numbered(lines: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line
