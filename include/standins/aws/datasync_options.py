"""Options of tasks and executions: defaults, and the combinations that DataSync refuses.

Source: DataSync API reference, Options; user guide, "Troubleshooting issues with DataSync tasks" and "Limitations" of
manifests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from include.standins.aws.datasync_filters import check_includes
from include.standins.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

REFUSED = "InvalidRequestException"
_DEFAULTS: dict[str, Any] = {
    "OverwriteMode": "ALWAYS",
    "Atime": "BEST_EFFORT",
    "Mtime": "PRESERVE",
    "Uid": "INT_VALUE",
    "Gid": "INT_VALUE",
    "PreserveDeletedFiles": "PRESERVE",
    "PreserveDevices": "NONE",
    "PosixPermissions": "PRESERVE",
    "BytesPerSecond": -1,
    "TaskQueueing": "ENABLED",
    "LogLevel": "OFF",
    "TransferMode": "CHANGED",
    "SecurityDescriptorCopyFlags": "NONE",
    "ObjectTags": "PRESERVE",
}


class Metadata(NamedTuple):
    """Which metadata an execution carries over."""

    uid: bool
    gid: bool
    mode: bool
    mtime: bool

    @classmethod
    def of(cls, options: Mapping[str, Any], *, posix: bool) -> Metadata:
        """Read it from options; `posix` is False for SMB shares and Windows file systems, which have no such owners."""
        return cls(
            posix and options["Uid"] == "INT_VALUE",
            posix and options["Gid"] == "INT_VALUE",
            posix and options["PosixPermissions"] == "PRESERVE",
            options["Mtime"] == "PRESERVE",
        )


def complete(options: Mapping[str, Any], *, mode: str) -> dict[str, Any]:
    """Fill the defaults of a task mode in."""
    verify = "ONLY_FILES_TRANSFERRED" if mode == "ENHANCED" else "POINT_IN_TIME_CONSISTENT"
    level = {"LogLevel": "BASIC"} if mode == "ENHANCED" else {}
    return {"VerifyMode": verify, **_DEFAULTS, **level, **options}


def check(options: Mapping[str, Any], *, mode: str, manifest: bool, includes: Any, excludes: Any) -> None:
    """Refuse what does not go together; raises AwsError InvalidRequestException."""
    if options["PreserveDeletedFiles"] == "REMOVE" and options["TransferMode"] == "ALL":
        _refuse("Invalid SyncOption value. Option: TransferMode,PreserveDeletedFiles, Value: ALL,REMOVE.")
    if manifest and options["PreserveDeletedFiles"] == "REMOVE":
        _refuse("PreserveDeletedFiles can't be REMOVE with a manifest.")
    if manifest and (includes or excludes):
        _refuse("You can't use a manifest together with filters.")
    for name in ("Uid", "Gid"):
        if options[name] not in ("NONE", "INT_VALUE"):
            _refuse(f"Invalid SyncOption value. Option: {name}, Value: {options[name]}.")
    if mode == "ENHANCED":
        _check_enhanced(options)
    elif (options["Atime"] == "BEST_EFFORT") != (options["Mtime"] == "PRESERVE"):
        _refuse(f"Invalid SyncOption value. Option: Atime,Mtime, Value: {options['Atime']},{options['Mtime']}.")
    check_includes(includes)


def _check_enhanced(options: Mapping[str, Any]) -> None:
    if options["VerifyMode"] == "POINT_IN_TIME_CONSISTENT":
        _refuse("VerifyMode POINT_IN_TIME_CONSISTENT isn't supported with Enhanced mode tasks.")
    if options["Mtime"] == "NONE":
        _refuse("Mtime NONE isn't supported with Enhanced mode tasks.")


def _refuse(sentence: str) -> None:
    raise AwsError(REFUSED, sentence)
