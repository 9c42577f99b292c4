"""/_landfall/fsx: what tests and the demo may do to file systems that AWS has no call for.

GET lists file systems with folder, capacity and free bytes. POST takes any of:
    {"file_system": id or Name, "capacity_bytes": n}       so that little data fills it; null: what it was created with
    {"file_system": id or Name, "lifecycle": "FAILED", "message": why}       until "lifecycle": "AVAILABLE"
    {"next": "FAILED", "message": why}       what becomes of the next file system that is created
    {"create_seconds": s}       how long creation, update and deletion take from now on
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.aws.calls import Environ, json_body
from include.standins.aws.errors import AwsError, Reply, json_reply

if TYPE_CHECKING:
    from include.standins.aws.fsx import Fsx
    from include.standins.aws.fsx_records import FileSystem

LIFECYCLES = ("AVAILABLE", "FAILED", "MISCONFIGURED", "MISCONFIGURED_UNAVAILABLE")
KEYS = {"file_system", "capacity_bytes", "lifecycle", "message", "next", "create_seconds"}


class FsxControl:
    """The control route of FSx."""

    def __init__(self, fsx: Fsx) -> None:
        self._fsx = fsx
        self._next = ("", "")

    def next_fate(self) -> tuple[str, str]:
        """Give lifecycle and failure message that a file system created now comes to; empty: it becomes AVAILABLE."""
        fate, self._next = self._next, ("", "")
        return fate

    def route(self, environ: Environ, rest: str) -> Reply:
        """Answer a request; a wrong one says what is wrong."""
        if rest or environ["REQUEST_METHOD"] not in ("GET", "POST"):
            return json_reply({"message": "Use GET or POST /_landfall/fsx."}, status=404)
        try:
            if environ["REQUEST_METHOD"] == "POST":
                self._apply(json_body(environ))
            return json_reply(self._fsx.overview())
        except (ValueError, AwsError) as error:
            return json_reply({"message": str(error)}, status=400)

    def _apply(self, wishes: dict[str, Any]) -> None:
        if not wishes or wishes.keys() - KEYS:
            raise ValueError(f"Give some of {', '.join(sorted(KEYS))}; got {wishes}.")
        if "create_seconds" in wishes:
            self._fsx.create_seconds = _number(wishes["create_seconds"], "create_seconds")
        if "next" in wishes:
            self._next = (_lifecycle(wishes["next"]), str(wishes.get("message", "")))
        if "file_system" in wishes:
            self._change(self._named(str(wishes["file_system"])), wishes)

    def _change(self, found: FileSystem, wishes: dict[str, Any]) -> None:
        if "capacity_bytes" in wishes:
            capacity = wishes["capacity_bytes"]
            found.capacity_bytes = None if capacity is None else int(_number(capacity, "capacity_bytes"))
        if "lifecycle" in wishes:
            found.forced = _lifecycle(wishes["lifecycle"])
            found.failure = str(wishes.get("message", "")) if found.forced else ""
        self._fsx.reshape(found)

    def _named(self, name: str) -> FileSystem:
        for row in self._fsx.overview():
            if name in (row["file_system"], row["name"]):
                return self._fsx.find(row["file_system"])
        raise ValueError(f"There is no file system {name}.")


def _lifecycle(value: object) -> str:
    if value not in LIFECYCLES:
        raise ValueError(f"The lifecycle is one of {', '.join(LIFECYCLES)}; got {value!r}.")
    return "" if value == "AVAILABLE" else str(value)


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{name} is a number from 0; got {value!r}.")
    return value
