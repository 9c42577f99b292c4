"""System procedures: those that clients and operators call here; any other is 2812."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from include.standins.sqlserver.engine.session_views import session_rows
from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.types import INT, SYSNAME
from include.standins.sqlserver.results import Column, Event, Message, Rows, SqlType, StatementDone

if TYPE_CHECKING:
    from include.standins.sqlserver.engine.session import LocalSession

Values: TypeAlias = Mapping[str, Any]
Procedure: TypeAlias = "Callable[[LocalSession, Values], Iterator[Event]]"

_WHO = (
    ("spid", SqlType("smallint")),
    ("ecid", SqlType("smallint")),
    ("status", SqlType("nvarchar", 30)),
    ("loginame", SYSNAME),
    ("hostname", SYSNAME),
    ("blk", SqlType("nvarchar", 5)),
    ("dbname", SYSNAME),
    ("cmd", SqlType("nvarchar", 26)),
    ("request_id", INT),
)
_TYPE_INFO = (("TYPE_NAME", SYSNAME), ("DATA_TYPE", SqlType("smallint")), ("COLUMN_SIZE", INT))
_FAULT = (("fault", SYSNAME), ("value", SqlType("nvarchar", 4000)))


def call_procedure(session: LocalSession, name: str, values: Values) -> Iterator[Event]:
    """Run a procedure; `values` are its arguments by @name in lower case, or by #place.

    :raises SqlError: 2812 when there is none of that name.
    """
    procedure = _PROCEDURES.get(name.rsplit(".", 1)[-1].strip("[]").lower())
    if procedure is None:
        raise SqlError(2812, f"Could not find stored procedure '{name}'.", state=62)
    yield from procedure(session, values)


def argument(values: Values, name: str, place: int) -> Any:
    """Return an argument given by name or by place, None when it was left out."""
    return values.get(name, values.get(f"#{place}"))


def _who(session: LocalSession, values: Values) -> Iterator[Event]:
    wanted = argument(values, "@loginame", 0)
    rows = []
    for each, request, blocker in session_rows(session.instance):
        if wanted not in {None, str(each.spid), each.spid, each.login.user} and str(wanted).lower() != "active":
            continue
        status = "runnable" if request is not None else "sleeping"
        command = request.command if request is not None else "AWAITING COMMAND"
        rows.append((each.spid, 0, status, each.login.user, each.login.host, str(blocker), each.database, command, 0))
    yield Rows([Column(column, type_) for column, type_ in _WHO], rows)
    yield StatementDone(0xC1, len(rows))


def _no_rows(columns: tuple[tuple[str, SqlType], ...]) -> Procedure:
    """What ODBC drivers ask about and do well without."""

    def procedure(session: LocalSession, values: Values) -> Iterator[Event]:
        del session, values
        yield Rows([Column(name, type_) for name, type_ in columns], [])
        yield StatementDone(0xC1, 0)

    return procedure


def _nothing(session: LocalSession, values: Values) -> Iterator[Event]:
    del session, values
    yield StatementDone()


def _reset(session: LocalSession, values: Values) -> Iterator[Event]:
    del values
    session.reset()
    yield StatementDone()


def _create_folder(session: LocalSession, values: Values) -> Iterator[Event]:
    del session
    path = argument(values, "@path", 0)
    try:
        Path(str(path)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SqlError(
            22048,
            f"Error executing extended stored procedure: xp_create_subdir() returned error {error.errno}, "
            f"'{error.strerror}'",
        ) from error
    yield StatementDone()


def _server_name(session: LocalSession, values: Values) -> Iterator[Event]:
    del values
    yield Rows(
        [Column("name", SYSNAME), Column("network_name", SYSNAME)], [(session.instance.name, session.instance.name)]
    )
    yield StatementDone(0xC1, 1)


def _databases(session: LocalSession, values: Values) -> Iterator[Event]:
    del values
    rows = []
    for database in session.instance.catalog.databases():
        kilobytes = sum(file.pages for file in database.files()) * 8
        rows.append((database.name, kilobytes, None))
    columns = [
        Column("DATABASE_NAME", SYSNAME),
        Column("DATABASE_SIZE", INT),
        Column("REMARKS", SqlType("varchar", 254)),
    ]
    yield Rows(columns, rows)
    yield StatementDone(0xC1, len(rows))


def _fault(session: LocalSession, values: Values) -> Iterator[Event]:
    """sp_landfall_fault @fault, @value: the stand-in's own, for drills.

    Without arguments it lists the faults that are set; with a NULL value it ends one.
    """
    name, value = argument(values, "@fault", 0), argument(values, "@value", 1)
    faults = session.instance.catalog.faults
    if name is None:
        rows = sorted(faults.active().items())
        yield Rows([Column(column, type_) for column, type_ in _FAULT], rows)
        yield StatementDone(0xC1, len(rows))
        return
    try:
        faults.set(str(name), None if value is None else str(value))
    except ValueError as error:
        raise SqlError(50000, str(error)) from error
    yield Message(0, f"Fault {name} is {'ended' if value is None else f'set to {value}'}.")
    yield StatementDone()


def _refused(session: LocalSession, values: Values) -> Iterator[Event]:
    del session, values
    raise not_modelled("This system procedure")


_PROCEDURES: dict[str, Procedure] = {
    "sp_who": _who,
    "sp_who2": _who,
    "sp_datatype_info": _no_rows(_TYPE_INFO),
    "sp_datatype_info_90": _no_rows(_TYPE_INFO),
    "sp_datatype_info_100": _no_rows(_TYPE_INFO),
    "sp_reset_connection": _reset,
    "sp_set_session_context": _nothing,
    "sp_helpserver": _server_name,
    "sp_databases": _databases,
    "xp_create_subdir": _create_folder,
    "sp_landfall_fault": _fault,
    **dict.fromkeys(
        (
            "sp_addlinkedserver",
            "xp_cmdshell",
            "sp_configure",
            "xp_delete_file",
            "sp_add_job",
            "sp_update_job",
            "sp_getapplock",
        ),
        _refused,
    ),
}
