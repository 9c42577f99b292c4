"""A range of log records that stays readable while the log goes on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from include.standins.sqlserver.storage import records
from include.standins.sqlserver.storage.log_scan import DamagedLogError, Entry
from include.standins.sqlserver.storage.records import DamagedRecordError, RecordHeader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class LogSlice:
    """Records of an LSN range, readable while the log is appended to, truncated or replaced. Close it."""

    def __init__(self, descriptor: int, entries: Sequence[Entry]) -> None:
        self._descriptor = descriptor
        self._entries = entries

    @property
    def headers(self) -> list[RecordHeader]:
        """The records' headers, in LSN order."""
        return [header for header, _ in self._entries]

    @property
    def size(self) -> int:
        """Bytes of all records."""
        return sum(header.length for header, _ in self._entries)

    def __iter__(self) -> Iterator[tuple[RecordHeader, bytes]]:
        """Yield header and whole record.

        :raises DamagedLogError: a record can no longer be read as it was written.
        """
        for header, offset in self._entries:
            record = os.pread(self._descriptor, header.length, offset)
            try:
                records.check(record)
            except DamagedRecordError as damage:
                raise DamagedLogError(f"The log record at LSN {header.lsn} is damaged.") from damage
            yield header, record

    def page_numbers(self) -> Iterator[int]:
        """Yield the pages that the records hold, without reading the images."""
        for header, offset in self._entries:
            head = os.pread(self._descriptor, records.HEADER_BYTES + 4 * header.page_count, offset)
            yield from records.page_numbers(head, header)

    def __enter__(self) -> LogSlice:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._descriptor)
