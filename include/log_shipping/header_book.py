"""What the headers of a database's backup files said, kept so that no file is opened twice.

The book is a cache: an entry counts for one size and modification time of a file, and without a book everything is
read again. Truth is the file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from include.log_shipping import tsql
from include.log_shipping.failures import Reaction, SqlServerError
from include.log_shipping.headers import BackupHeader, HeadersError, from_headeronly
from include.log_shipping.names import parse_file_name, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.log_shipping.client import SqlServer
    from include.log_shipping.configuration_model import Folder
    from include.object_store import ObjectStore

COLUMNS: Final = (
    "BackupSetGUID", "DatabaseName", "ServerName", "BackupType", "FirstLSN", "LastLSN", "CheckpointLSN",
    "DatabaseBackupLSN", "BackupStartDate", "BackupFinishDate", "Position", "IsCopyOnly", "FirstRecoveryForkID",
    "RecoveryForkID", "ForkPointLSN", "DifferentialBaseGUID", "HasBackupChecksums", "Compressed", "IsDamaged",
    "BackupSize",
)  # fmt: skip
"""The columns of RESTORE HEADERONLY that decisions need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One file: its size and time when it was read, and what was read.

    :ivar rows: rows of RESTORE HEADERONLY as JSON types, empty when it could not be read.
    :ivar broken: why the file cannot be used: its header cannot be read, or the server found it damaged.
    """

    size: int
    mtime_ns: int
    rows: tuple[Mapping[str, Any], ...] = ()
    offset_seconds: int = 0
    broken: str = ""


@dataclass(slots=True)
class HeaderBook:
    """The pages of a database's files by file name."""

    database: str
    pages: dict[str, Page] = field(default_factory=dict)

    def knows(self, name: str, *, size: int, mtime_ns: int) -> bool:
        """Whether the page of a file is of this very file."""
        page = self.pages.get(name)
        return page is not None and (page.size, page.mtime_ns) == (size, mtime_ns)

    def headers(self, *, broken: bool = False) -> list[BackupHeader]:
        """Return the headers of all usable files (with `broken`, of damaged ones that have a header as well).

        Each header's only file is the name, without a folder.
        """
        return [
            header
            for name, page in sorted(self.pages.items())
            if page.rows and (broken or not page.broken)
            for header in from_headeronly(page.rows, file=name, utc_offset=timedelta(seconds=page.offset_seconds))
        ]

    def damaged(self) -> dict[str, str]:
        """Return the files that cannot be used, and why."""
        return {name: page.broken for name, page in sorted(self.pages.items()) if page.broken}

    def mark_broken(self, name: str, reason: str) -> None:
        """Leave a file out from now on."""
        self.pages[name] = replace(self.pages[name], broken=reason)


def load_book(store: ObjectStore, database: str) -> HeaderBook:
    """Return the book of a database; an empty one before the first."""
    document = store.find_json(_key(store, database)) or {"pages": {}}
    pages = {name: Page(**{**page, "rows": tuple(page["rows"])}) for name, page in document["pages"].items()}
    return HeaderBook(database, pages)


def save_book(store: ObjectStore, book: HeaderBook) -> None:
    """Keep a book; only who holds the lease of the database may."""
    store.put_json(
        _key(store, book.database),
        {"pages": {name: asdict(page) | {"rows": list(page.rows)} for name, page in book.pages.items()}},
    )


def backup_files(folder: Folder, database: str) -> dict[str, tuple[int, int]]:
    """Return our backup files of a database in a folder: name to size and modification time (ns)."""
    from pathlib import Path

    found = {}
    path = Path(folder.of(database).worker)
    for entry in path.iterdir() if path.is_dir() else ():
        parsed = parse_file_name(entry.name)
        if parsed is not None and parsed.database.lower() == database.lower():
            stat = entry.stat()
            found[entry.name] = (stat.st_size, stat.st_mtime_ns)
    return dict(sorted(found.items()))


def read_page(
    server: SqlServer, folder: Folder, database: str, *, name: str, stat: tuple[int, int], offset_seconds: int
) -> Page:
    """Ask a server for the header of a file; a file that it calls damaged gets a page that says so.

    :raises SqlServerError: the server could not say; the file may be whole.
    """
    size, mtime_ns = stat
    page = Page(size=size, mtime_ns=mtime_ns, offset_seconds=offset_seconds)
    path = folder.file(database, name).server_path
    try:
        rows = server.run(tsql.header_only(path), doing=f"RESTORE HEADERONLY of {name}")
        page = replace(page, rows=tuple(_plain(row) for row in rows))
        headers = from_headeronly(page.rows, file=name)
    except SqlServerError as error:
        if error.reaction is not Reaction.DAMAGED:
            raise
        return replace(page, broken=f"{name} is damaged: {error.text} (error {error.number})")
    except HeadersError as error:
        return replace(page, rows=(), broken=f"{name} has a header that nobody can use: {error}")
    return replace(page, broken=_complaint(headers, name=name, database=database))


def _complaint(headers: list[BackupHeader], *, name: str, database: str) -> str:
    if not headers:
        return f"{name} holds no backup."
    if len(headers) > 1:
        return f"{name} holds {len(headers)} backups; each of ours has a file of its own, so somebody appended to it."
    if headers[0].database.lower() != database.lower():
        return f"{name} holds a backup of {headers[0].database}, not of {database}."
    return f"{name} was written with damage on the way (IsDamaged)." if headers[0].is_damaged else ""


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(row[name]) for name in COLUMNS if row.get(name) is not None}


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool | int):
        return value if abs(value) < 2**53 else str(value)
    return str(int(value)) if isinstance(value, Decimal) else str(value)


def _key(store: ObjectStore, database: str) -> str:
    return store.key("headers", f"{quoted(database)}.json")
