"""Which local directory stands for a file server's export: `nfs://nas01.example/projects` -> `/srv/nas01/projects`.

Over HTTP at /_landfall/mounts: POST {"location", "directory"} sets one, GET lists, DELETE {"location"} or all. Kept.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from include.standins.aws.calls import Environ, json_body
from include.standins.aws.errors import Reply, json_reply
from include.standins.aws.state_store import Change, StateStore

if TYPE_CHECKING:
    from collections.abc import Mapping

KIND = "mount"


class Mounts:
    """The mapping; the longest prefix of a location's URI, by whole path segments, wins."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._directories = {name: Path(os.fsdecode(blob)) for name, blob in store.read(KIND)}

    def set(self, location: str, directory: str) -> None:
        """Map a location; raises ValueError with one sentence for a wrong one."""
        if "://" not in location:
            raise ValueError(f"{location!r} is no location; write it as nfs://server/path.")
        path = Path(directory)
        if not path.is_absolute() or not path.is_dir():
            raise ValueError(f"{directory!r} is no absolute path of a directory on this machine; make it first.")
        with self._lock:
            self._store.write([Change(KIND, location.rstrip("/"), os.fsencode(path))])
            self._directories[location.rstrip("/")] = path

    def forget(self, location: str = "") -> int:
        """Drop one mapping, or all; tell how many."""
        with self._lock:
            gone = [name for name in self._directories if location.rstrip("/") in ("", name)]
            self._store.write([Change(KIND, name, None) for name in gone])
            for name in gone:
                del self._directories[name]
        return len(gone)

    def directory(self, uri: str) -> Path | None:
        """Give the directory of a location's URI, None when nothing is mapped there."""
        wanted = uri.rstrip("/")
        with self._lock:
            fitting = [name for name in self._directories if wanted == name or wanted.startswith(name + "/")]
            if not fitting:
                return None
            best = max(fitting, key=len)
            return self._directories[best] / wanted[len(best) :].lstrip("/")

    def listed(self) -> Mapping[str, str]:
        """Give every mapping."""
        with self._lock:
            return {name: str(path) for name, path in sorted(self._directories.items())}

    def route(self, environ: Environ, _rest: str) -> Reply:
        """Answer /_landfall/mounts."""
        method, body = environ["REQUEST_METHOD"], json_body(environ)
        if method == "GET":
            return json_reply(self.listed())
        if method == "DELETE":
            return json_reply({"forgotten": self.forget(str(body.get("location") or ""))})
        if method != "POST":
            return json_reply({"message": "Use POST, GET or DELETE."}, status=405)
        try:
            self.set(str(body.get("location") or ""), str(body.get("directory") or ""))
        except ValueError as error:
            return json_reply({"message": str(error)}, status=400)
        return json_reply(self.listed(), status=201)
