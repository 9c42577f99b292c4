"""Which backup files a secondary restores next, judged by its own redo LSN and recovery fork."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.log_shipping.chain import Position, after, misfit
from include.log_shipping.forks import Lineage, is_on_path, lineage
from include.log_shipping.header_fields import id_key
from include.log_shipping.headers import BackupHeader, BackupType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole in the log: the restore stands at `after_lsn`, the next log backup, `before`, begins later."""

    after_lsn: int
    before: BackupHeader

    def __str__(self) -> str:
        return (
            f"the log from LSN {self.after_lsn} to LSN {self.before.first_lsn} is in no file: "
            f"{self.before} is the next one"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRestores:
    """What to do with each backup file now.

    :ivar apply: logs to restore, in this order.
    :ivar already_applied: logs that bring nothing new: restored before, or inside a longer one.
    :ivar unrelated: logs of other recovery paths, older than what is on this one: leftovers.
    :ivar gap: what is missing behind `apply`.
    :ivar diverged: a log that shows that the primary went on without this secondary: a person decides.
    :ivar bridge: the newest differential that would close the gap.
    """

    apply: tuple[BackupHeader, ...]
    already_applied: tuple[BackupHeader, ...]
    unrelated: tuple[BackupHeader, ...] = ()
    gap: Gap | None = None
    diverged: BackupHeader | None = None
    bridge: BackupHeader | None = None


@dataclass(slots=True)
class _Walk:
    """The state while the logs are followed."""

    position: Position
    path: Lineage
    apply: list[BackupHeader] = field(default_factory=list)
    done: list[BackupHeader] = field(default_factory=list)
    strangers: list[BackupHeader] = field(default_factory=list)
    waiting: list[BackupHeader] = field(default_factory=list)

    def take(self, log: BackupHeader) -> None:
        """Judge one log; they come in the order of their last LSN."""
        if log.last_lsn <= self.position.lsn:
            is_mine = self.position.fork is None or is_on_path(log, self.path)
            (self.done if is_mine else self.strangers).append(log)
        elif misfit(log, self.position) is None:
            self._settle_those_inside(log)
            self._apply(log)
        elif log.first_lsn > self.position.lsn:
            self.waiting.append(log)
        else:
            self.strangers.append(log)

    def _settle_those_inside(self, log: BackupHeader) -> None:
        """Logs that waited end before this one does: they bring nothing new, if they are of the same path at all."""
        forks = {None, self.position.fork, log.recovery_fork}
        for other in self.waiting:
            is_mine = self.position.fork is None or {other.first_fork, other.recovery_fork} <= forks
            (self.done if is_mine else self.strangers).append(other)
        self.waiting = []

    def _apply(self, log: BackupHeader) -> None:
        before, self.position = self.position, after(log, self.position)
        self.apply.append(log)
        if before.fork is not None and self.position.fork is not None and before.fork != self.position.fork:
            point = log.first_lsn if log.fork_point_lsn is None else log.fork_point_lsn
            self.path = {**self.path, before.fork: point, self.position.fork: None}


def next_restores(
    headers: Iterable[BackupHeader],
    *,
    redo_lsn: int,
    fork: str | None,
    differential_base_lsn: int | None = None,
) -> NextRestores:
    """Sort the backups of one database into what is applied next, what is done, and what cannot be.

    Forks decide before LSNs: a log of another path is never counted as applied because its LSNs are low.

    :param redo_lsn: `redo_start_lsn` of the secondary; `fork`: its `redo_start_fork_guid`.
    :param differential_base_lsn: the secondary's own, from sys.master_files; without it no differential bridges.
    """
    backups = list({header.key: header for header in reversed(list(headers))}.values())
    start = Position(redo_lsn, None if fork is None else id_key(fork))
    walk = _Walk(start, lineage(backups, start.fork) if start.fork else {})
    logs = [header for header in backups if header.type is BackupType.LOG]
    for log in sorted(logs, key=lambda log: (log.last_lsn, log.first_lsn, log.started)):
        walk.take(log)
    gap = _gap(walk)
    diverged, unrelated = _judge_strangers(walk)
    return NextRestores(
        apply=tuple(walk.apply),
        already_applied=tuple(walk.done),
        unrelated=tuple(unrelated),
        gap=gap,
        diverged=diverged,
        bridge=_bridge(backups, walk=walk, base_lsn=differential_base_lsn) if gap is not None else None,
    )


def _gap(walk: _Walk) -> Gap | None:
    """Name the hole before the first waiting log of this path; waiting logs of other paths are strangers."""
    reachable = _forks_ahead(walk)
    mine: list[BackupHeader] = []
    for log in walk.waiting:
        is_mine = log.first_fork is None or not reachable or log.first_fork in reachable
        (mine if is_mine else walk.strangers).append(log)
    walk.waiting = mine
    first = min(mine, key=lambda log: (log.first_lsn, log.last_lsn), default=None)
    return None if first is None else Gap(walk.position.lsn, first)


def _forks_ahead(walk: _Walk) -> set[str]:
    """Return the forks that continue this path: the present one, and those that waiting logs cross to from it."""
    if walk.position.fork is None:
        return set()
    forks = {walk.position.fork}
    for log in walk.waiting:  # in the order of LSNs, so a crossing comes before what lies behind it
        if log.first_fork in forks and log.recovery_fork is not None:
            forks.add(log.recovery_fork)
    return forks


def _judge_strangers(walk: _Walk) -> tuple[BackupHeader | None, list[BackupHeader]]:
    """Call the path diverged when the newest log of all is a stranger; older strangers are leftovers of the past."""
    mine = (log.finished for logs in (walk.done, walk.apply, walk.waiting) for log in logs)
    newest = max(mine, default=None)
    newer = [log for log in walk.strangers if newest is None or log.finished > newest]
    older = [log for log in walk.strangers if newest is not None and log.finished <= newest]
    return (newer[0] if newer else None), older


def _bridge(backups: Sequence[BackupHeader], *, walk: _Walk, base_lsn: int | None) -> BackupHeader | None:
    """Return the newest differential on the secondary's own base that reaches over the gap."""
    if base_lsn is None:
        return None
    fork = walk.position.fork
    fitting = [
        header
        for header in backups
        if header.type is BackupType.DIFFERENTIAL
        and header.database_backup_lsn == base_lsn
        and header.last_lsn > walk.position.lsn
        and (fork is None or header.recovery_fork in {None, fork} | _forks_ahead(walk))
    ]
    return max(fitting, key=lambda header: header.last_lsn, default=None)
