"""Bring a database under log shipping: restore a full backup on the secondary, or continue what is shipped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.leases import LeaseHeldError, held
from include.log_shipping import tsql
from include.log_shipping.backing_up import take_database_backup
from include.log_shipping.configuration_model import DatabaseSettings, FilePair, RestoreMode
from include.log_shipping.copying import copy_file
from include.log_shipping.failures import Reaction, SqlServerError
from include.log_shipping.fleet import Workplace, roles_now
from include.log_shipping.header_book import HeaderBook, backup_files, read_page
from include.log_shipping.names import quoted
from include.log_shipping.outcomes import Outcome, Status
from include.log_shipping.planning import former_primary_writes
from include.log_shipping.primaries import find_primary
from include.log_shipping.progress import read_standing
from include.log_shipping.roles import Roles, Seen, Situation
from include.log_shipping.server_state import DatabaseState
from include.log_shipping.shipping import EXPECTED, back_up_and_copy
from include.log_shipping.shipping_restores import restore_logs

if TYPE_CHECKING:
    from include.log_shipping.client import SqlServer

STEP: Final = "seed_databases"
OTHER_DATABASE: Final = 3154
TAIL_NOT_SAVED: Final = 3159


class SeedRefusedError(RuntimeError):
    """The database cannot be shipped as it is; the sentence says what to change."""

    is_final = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seed:
    """A seed at work."""

    workplace: Workplace
    settings: DatabaseSettings
    roles: Roles

    @property
    def key(self) -> str:
        return self.workplace.records.key("seeds", f"{quoted(self.settings.name)}.json")


def seed_database(workplace: Workplace, name: str, *, reseed: bool = False) -> Outcome:
    """Seed one database, or adopt it; keeps and returns the outcome.

    :param reseed: replace a secondary that takes logs already by a new full backup.
    """
    settings, started = workplace.configuration.database(name), workplace.clock()
    status, reason = Status.DONE, ""
    evidence: dict[str, Any] = {}
    try:
        reason, evidence = _seed_or_adopt(workplace, settings, reseed=reseed)
    except LeaseHeldError as error:
        status, reason = Status.WAITING, str(error)
    except (*EXPECTED, SeedRefusedError) as error:
        status, reason = Status.FAILED, str(error)
    outcome = Outcome(
        database=settings.name,
        step=STEP,
        status=status,
        reason=reason,
        started=started,
        finished=workplace.clock(),
        evidence=evidence,
    )
    workplace.records.put(outcome)
    return outcome


def _seed_or_adopt(workplace: Workplace, settings: DatabaseSettings, *, reseed: bool) -> tuple[str, dict[str, Any]]:
    roles, seen = roles_now(workplace, settings)
    _require_shippable(workplace, settings, roles=roles, seen=seen)
    seed = _Seed(workplace=workplace, settings=settings, roles=roles)
    begun = workplace.store.find_json(seed.key)
    full = begun["full"] if begun else None
    if roles.situation is Situation.NOT_SEEDED or reseed or (begun and not begun["restored"]):
        if not (begun and begun["restored"]):
            with held(
                workplace.store,
                settings.name,
                owner=workplace.records.owner,
                purpose="seeding",
                clock=workplace.clock,
                is_over=workplace.is_over,
            ):
                full = _seed(seed, full=full)
        told = f"{settings.name} was seeded on {roles.target} with {full}; its first log follows."
    else:
        told = f"{settings.name} is shipped already ({roles.sentence}) It is continued without a reseed."
    return told, {"full": full, **_ship_once(workplace, settings)}


def _require_shippable(
    workplace: Workplace, settings: DatabaseSettings, *, roles: Roles, seen: dict[str, Seen]
) -> None:
    refusal = former_primary_writes(roles, find_primary(workplace.store, settings.name))
    if refusal:
        raise SeedRefusedError(refusal)
    if roles.situation is Situation.SPLIT_BRAIN:
        raise SeedRefusedError(
            f"{roles.target} has an ONLINE database {settings.name} of its own: drop or rename it there, or correct "
            f"secondary in the configuration; nothing overwrites it."
        )
    if roles.situation not in {Situation.NOT_SEEDED, Situation.SHIPPING}:
        raise SeedRefusedError(roles.sentence)
    source = seen[roles.source]
    if isinstance(source, DatabaseState) and source.recovery_model == "SIMPLE":
        raise SeedRefusedError(
            f"{settings.name} on {roles.source} has recovery model SIMPLE, which keeps no log to ship: run ALTER "
            "DATABASE ... SET RECOVERY FULL there, then run log_shipping_configure again."
        )
    _require_versions(workplace, settings, roles)


def _require_versions(workplace: Workplace, settings: DatabaseSettings, roles: Roles) -> None:
    """A newer version cannot be read by an older server; and a readable standby needs the same one."""
    versions = {}
    for name in (roles.source, roles.target):
        with workplace.server(name) as server:
            row = server.one(tsql.server_facts(), doing="reading the version")
            versions[name] = int(str(row["product_version"]).split(".")[0]) if row else 0
    source, target = versions[roles.source], versions[roles.target]
    if source > target:
        raise SeedRefusedError(
            f"{roles.target} has version {target}, older than {roles.source} with {source}: it cannot restore "
            f"{settings.name}; upgrade it or choose another secondary."
        )
    if source < target and settings.restore_mode is RestoreMode.STANDBY:
        raise SeedRefusedError(
            f"{roles.target} has version {target}, newer than {roles.source} with {source}: a standby cannot be read "
            f"there; set restore_mode of {settings.name} to norecovery."
        )


def _seed(seed: _Seed, *, full: str | None) -> str:
    """Full backup, copy, restore; a try that was killed goes on with the full backup it had."""
    workplace, settings, roles = seed.workplace, seed.settings, seed.roles
    if full is None:
        with workplace.server(roles.source) as source:
            full = take_database_backup(workplace, settings, server=source).name
        workplace.store.put_json(seed.key, {"full": full, "restored": False})
    pair = workplace.settings(roles.target).copy_folder.file(settings.name, full)
    pair.worker_path.parent.mkdir(parents=True, exist_ok=True)
    origin = workplace.settings(roles.source).backup_folder.file(settings.name, full)
    copy_file(origin.worker_path, pair.worker_path)
    with workplace.server(roles.target) as target:
        if not _is_restored(workplace, settings, server=target, full=full):
            _restore_full(settings, server=target, pair=pair)
    workplace.store.put_json(seed.key, {"full": full, "restored": True})
    return full


def _is_restored(workplace: Workplace, settings: DatabaseSettings, *, server: SqlServer, full: str) -> bool:
    """Whether an earlier try restored this very full backup and died before it could note that."""
    standing = read_standing(server, settings.name)
    if standing is None or not standing.state.takes_logs or standing.state.redo_lsn is None:
        return False
    folder = workplace.settings(server.name).copy_folder
    stat = backup_files(folder, settings.name)[full]
    page = read_page(server, folder, settings.name, name=full, stat=stat, offset_seconds=0)
    headers = HeaderBook(settings.name, {full: page}).headers()
    return any(header.checkpoint_lsn == standing.base_lsn for header in headers)


def _restore_full(settings: DatabaseSettings, *, server: SqlServer, pair: FilePair) -> None:
    statement = tsql.restore_database(
        database=settings.name,
        path=pair.server_path,
        after=tsql.After.NORECOVERY,
        moves=_moves(settings, server=server, pair=pair),
    )
    try:
        server.run(statement, doing=f"RESTORE DATABASE {settings.name}")
    except SqlServerError as error:
        raise _explained(error, settings.name) from error


def _moves(settings: DatabaseSettings, *, server: SqlServer, pair: FilePair) -> dict[str, str]:
    folder = settings.data_folder.get(server.name)
    if not folder:
        return {}
    rows = server.run(tsql.file_list_only(pair.server_path), doing="RESTORE FILELISTONLY")
    separator = "/" if folder.startswith("/") else "\\"
    start = folder.rstrip("/\\") + separator
    return {row["LogicalName"]: start + re.split(r"[/\\]", row["PhysicalName"])[-1] for row in rows}


def _explained(error: SqlServerError, database: str) -> Exception:
    if error.number == OTHER_DATABASE:
        return SeedRefusedError(
            f"{error.server} restores another database under the name {database}: drop or rename it there first."
        )
    if error.number == TAIL_NOT_SAVED:
        return SeedRefusedError(
            f"{database} on {error.server} was written to and its log is not backed up: nothing overwrites it; drop it "
            "there if nobody needs it."
        )
    if error.reaction is Reaction.RETRY:
        return SeedRefusedError(f"{database} on {error.server} is in use: ask its readers to leave. ({error.text})")
    return error


def _ship_once(workplace: Workplace, settings: DatabaseSettings) -> dict[str, Any]:
    """Back up, copy and restore the first log: only that proves that the chain fits."""
    for outcome in (back_up_and_copy(workplace, settings.name), restore_logs(workplace, settings.name)):
        if outcome.status is not Status.DONE:
            raise SeedRefusedError(outcome.reason)
    return {"restored": outcome.evidence["restored"], "redo_lsn": outcome.evidence["redo_lsn"]}
