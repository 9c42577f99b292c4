"""What a pass of a migration is: what it moves, in which parts, what was tried, and which files failed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FULL_PASS: Final = 1
VERIFY: Final = "verify"
CHANGED: Final = "CHANGED"
ALL: Final = "ALL"


class PassKind(StrEnum):
    """What a pass is for."""

    FULL = "full"
    INCREMENTAL = "incremental"
    CLOSING = "closing"


class AttemptState(StrEnum):
    """How far an attempt is; the last five are ends."""

    INTENDED = "intended"
    STARTED = "started"
    DONE = "done"
    FILES_FAILED = "files_failed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """By the task that was killed, or by somebody in AWS: it is not started again before a person clears the task."""
    STOPPED = "stopped"
    """It failed for a reason that does not pass by itself: a person decides."""

    @property
    def is_over(self) -> bool:
        """Whether the execution has ended and was counted."""
        return self not in (AttemptState.INTENDED, AttemptState.STARTED)

    @property
    def tells_files(self) -> bool:
        """Whether it is known of each file whether it was moved."""
        return self in (AttemptState.DONE, AttemptState.FILES_FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFile:
    """A file that an attempt did not move.

    :param path: as in listings.
    :param step: prepare, transfer, verify or delete.
    :param reason: DataSync's words.
    :param code: DataSync's failure code, empty without one.
    :param directory: it is a directory.
    """

    path: str
    step: str
    reason: str
    code: str = ""
    part: str = ""
    attempt: int = 0
    directory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One execution of a part.

    :param manifest_key: what it was given; empty for an execution without a manifest.
    :param by_files: the manifest names the files that the attempt before did not move; else it is the part's own.
    :param cancelled_for: why Landfall cancelled it; empty when it did not.
    :param failed: how many files it did not move; `failures_key` names them, `retryable` of them can be tried by name.
    :param counters: what DataSync counted, as in ExecutionState.
    """

    number: int
    intended: datetime
    manifest_key: str
    options: Mapping[str, Any]
    by_files: bool = False
    arn: str = ""
    state: AttemptState = AttemptState.INTENDED
    status: str = ""
    reason: str = ""
    cancelled_for: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    failed: int = 0
    retryable: int = 0
    failures_key: str = ""
    counters: Mapping[str, int] = field(default_factory=dict)

    @property
    def clears(self) -> bool:
        """Whether files that it had and did not fail are proven: all copied anew, and verified."""
        verified = self.options.get("VerifyMode") not in (None, "NONE")
        return self.state.tells_files and verified and self.options.get("TransferMode") == ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class PassPart:
    """What one execution moves.

    :param name: within the pass, as `0007`, `repairs` or `closing`.
    :param manifest_key: its files; empty for the closing part.
    :param forgiven: attempts that no longer count, because a person let the part go on.
    """

    name: str
    agent: str
    task_arn: str
    manifest_key: str
    files: int
    bytes: int
    transfer_mode: str = CHANGED
    attempts: tuple[Attempt, ...] = ()
    forgiven: int = 0

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def tried(self) -> int:
        """Attempts that count."""
        return len(self.attempts) - self.forgiven

    def with_attempt(self, attempt: Attempt) -> PassPart:
        """Return the part with an attempt added, or replaced by its number."""
        others = [one for one in self.attempts if one.number != attempt.number]
        return replace(self, attempts=tuple(sorted([*others, attempt], key=lambda one: one.number)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What an incremental pass found since the listing before, in rows of any type; `bytes` are what it moves.

    :param repairs: files that are moved again although the listing did not change: failed before, or suspect.
    :param left_out: files that no manifest can hold; the closing pass takes them.
    """

    new: int = 0
    changed: int = 0
    deleted: int = 0
    files: int = 0
    bytes: int = 0
    repairs: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One pass.

    :param run: `<dag id>/<run id>` that opened it.
    :param listing_key: the source's listing when it was opened.
    :param failed: files that the last attempt of their part did not move. Only `read_passes` fills it.
    :param suspects: files that failed verification in this pass or before and that no attempt has cleared since. Only
        `read_passes` fills it.
    :param gone: suspects that its listing no longer has: nothing can copy them; when they come back they are repaired.
    :param troubles: what was told to people while it ran, by key.
    :param stopped: why it waits for a person; empty while it goes on.
    """

    number: int
    kind: PassKind
    run: str
    plan_id: str
    listing_key: str
    opened: datetime
    scan_seconds: float = 0.0
    delta: Delta = field(default_factory=Delta)
    parts: tuple[PassPart, ...] = ()
    ended: datetime | None = None
    stopped: str = ""
    troubles: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failed: tuple[FailedFile, ...] = ()
    suspects: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def living_suspects(self) -> tuple[str, ...]:
        """Suspects that the source has: those that an attempt can clear."""
        return tuple(path for path in self.suspects if path not in set(self.gone))

    @property
    def files(self) -> int:
        """Files in all parts."""
        return sum(part.files for part in self.parts)

    @property
    def bytes(self) -> int:
        """Bytes in all parts."""
        return sum(part.bytes for part in self.parts)

    @property
    def seconds(self) -> float:
        """From its opening to its end, in seconds; 0 while it runs."""
        return (self.ended - self.opened).total_seconds() if self.ended else 0.0

    def part(self, name: str) -> PassPart:
        """Return a part by its name."""
        return next(part for part in self.parts if part.name == name)

    def with_part(self, part: PassPart) -> Pass:
        """Return the pass with a part replaced by its name."""
        return replace(self, parts=tuple(part if one.name == part.name else one for one in self.parts))

    def attempts(self) -> Iterator[tuple[PassPart, Attempt]]:
        """Yield every attempt with its part."""
        for part in self.parts:
            for attempt in part.attempts:
                yield part, attempt

    def to_dict(self) -> dict[str, Any]:
        """Return the document; failed files and suspects are not in it."""
        document = asdict(self)
        del document["failed"], document["suspects"]
        return _plain(document)  # type: ignore[no-any-return]  # a dict stays a dict

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Pass:
        """Read a document of `to_dict`."""
        parts = tuple(_read_part(part) for part in document["parts"])
        taken = _taken(cls, document) | {"kind": PassKind(document["kind"]), "parts": parts}
        taken |= {
            "delta": Delta(**document["delta"]),
            "notes": tuple(document["notes"]),
            "gone": tuple(document.get("gone", ())),
        }
        return cls(**taken)


def _read_part(document: Mapping[str, Any]) -> PassPart:
    attempts = tuple(
        Attempt(**_taken(Attempt, attempt) | {"state": AttemptState(attempt["state"])})
        for attempt in document["attempts"]
    )
    return PassPart(**_taken(PassPart, document) | {"attempts": attempts})


_TIMES: Final = frozenset({"opened", "ended", "intended", "started"})


def _taken(kind: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that a class knows, times read."""
    names = {one.name for one in fields(kind)}
    return {
        name: datetime.fromisoformat(value) if name in _TIMES and value else value
        for name, value in document.items()
        if name in names
    }


def _plain(value: Any) -> Any:
    """Return JSON types."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
