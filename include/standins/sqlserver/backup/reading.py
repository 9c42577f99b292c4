"""RESTORE HEADERONLY, FILELISTONLY, LABELONLY and VERIFYONLY."""

from __future__ import annotations

from collections import deque
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from include.standins.sqlserver.backup import frames, media_columns
from include.standins.sqlserver.backup.frames import FrameKind
from include.standins.sqlserver.backup.media import MediaFile, MediaSet, device_path
from include.standins.sqlserver.errors import SqlError, backup_terminated
from include.standins.sqlserver.results import Column, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.standins.sqlserver.requests import MediaRequest
    from include.standins.sqlserver.storage.catalog import Catalog

Result: TypeAlias = tuple[list[Column], list[tuple[Any, ...]]]


def headers(catalog: Catalog, request: MediaRequest) -> Result:
    """Return one row per backup set of the first device; a set that is cut short is "*** INCOMPLETE ***", all NULL.

    :raises SqlError: 3201, 3203, 3241, 3254, 3189, followed by 3013.
    """
    with _terminating("RESTORE HEADERONLY"), closing(_first_file(catalog, request)) as file:
        rows = [
            media_columns.header_row(placed.complete)
            if placed.complete is not None
            else media_columns.incomplete_row(placed.position)
            for placed in file.sets()
            if request.position in (None, placed.position)
        ]
    return media_columns.HEADER_COLUMNS, rows


def file_list(catalog: Catalog, request: MediaRequest) -> Result:
    """Return one row per database file in a set (FILE = n, by default the first)."""
    with _terminating("RESTORE FILELIST"), closing(_first_file(catalog, request)) as file:
        found = file.find(request.position or 1).complete
        rows = [media_columns.file_row(found, each) for each in found.header.files] if found is not None else []
    return media_columns.FILE_COLUMNS, rows


def label(catalog: Catalog, request: MediaRequest) -> Result:
    """Return the first device's media header."""
    with _terminating("RESTORE LABELONLY"), closing(_first_file(catalog, request)) as file:
        return media_columns.LABEL_COLUMNS, [media_columns.label_row(file.path, file.label)]


def verify(catalog: Catalog, request: MediaRequest, *, check: Callable[[], None]) -> Iterator[Message]:
    """Read and prove a whole set; yield 3262.

    :param check: called between frames; raises to cancel.
    :raises SqlError: 3189 it is damaged, 3132 a family is missing, and as `headers`; followed by 3013.
    """
    position = request.position or 1
    with _terminating("VERIFY DATABASE"):
        paths = [device_path(catalog, device) for device in request.devices]
        with MediaSet(paths, position=position) as media:
            for kind, payload, size in media.stream():
                check()
                catalog.faults.pace(size, check)
                content = frames.unpack_pages(payload) if kind is FrameKind.DATA else frames.unpack_records(payload)
                deque(content, maxlen=0)
    yield Message(3262, f"The backup set on file {position} is valid.")


@contextmanager
def _terminating(verb: str) -> Iterator[None]:
    """Let an error end as BACKUP and RESTORE errors end, with 3013."""
    try:
        yield
    except SqlError as error:
        raise backup_terminated(error, verb=verb) from None


def _first_file(catalog: Catalog, request: MediaRequest) -> MediaFile:
    return MediaFile(device_path(catalog, request.devices[0]))
