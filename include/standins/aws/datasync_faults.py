"""Faults of transfers, on demand; faults of the API are the gateway's (/_landfall/faults).

Over HTTP at /_landfall/datasync/faults: POST a fault and get its id, GET lists, DELETE /id or all. `vanish` and
`changing` really change the source tree. Faults end with the process.
"""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from include.standins.aws.calls import Environ, json_body
from include.standins.aws.errors import Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Collection

FILE_KINDS = ("unreadable", "corrupt", "enospc", "connection_lost", "slow", "changing", "vanish")
KINDS = ("agent_offline", "stuck_launching", "execution_error", "unlistable", *FILE_KINDS)


@dataclass
class TransferFault:
    """One rule; `times` None strikes until it is lifted, `seconds` ends a state or slows a file."""

    id: str
    kind: str
    task: str = ""
    agent: str = ""
    match: str = "*"
    times: int | None = None
    seconds: float = 0.0
    code: str = ""
    detail: str = ""
    struck: int = 0
    since: float = field(default_factory=time.monotonic)

    @property
    def ended(self) -> bool:
        """Whether a state that lasts `seconds` is over."""
        lasts = self.kind in ("agent_offline", "stuck_launching") and self.seconds > 0
        return lasts and time.monotonic() - self.since > self.seconds


_GIVEN = {each.name for each in fields(TransferFault)} - {"id", "struck", "since"}


class TransferFaults:
    """The rules in force. `names` are what a task may be called by: its ARN, its name, the execution's ARN."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[TransferFault] = []
        self._made = 0

    def add(self, definition: dict[str, Any]) -> TransferFault:
        """Put a rule in force; raises ValueError with one sentence for a wrong one."""
        unknown = sorted(set(definition) - _GIVEN)
        if unknown:
            raise ValueError(f"A transfer fault has no field {unknown[0]!r}.")
        if definition.get("kind") not in KINDS:
            raise ValueError(f"A transfer fault's kind is one of {', '.join(KINDS)}, not {definition.get('kind')!r}.")
        with self._lock:
            self._made += 1
            rule = TransferFault(id=f"transfer-fault-{self._made}", **definition)
            self._rules.append(rule)
        return rule

    def clear(self, fault_id: str = "") -> int:
        """Lift one rule, or all; tell how many."""
        with self._lock:
            before = len(self._rules)
            self._rules = [rule for rule in self._rules if fault_id not in ("", rule.id)]
            return before - len(self._rules)

    @property
    def any(self) -> bool:
        """Whether there is any rule at all: the question that costs nothing."""
        return bool(self._rules)

    def offline(self, *names: str) -> bool:
        """Tell whether the agent of these names is offline."""
        return bool(self._rules) and self._standing("agent_offline", "agent", names)

    def offline_since(self, *names: str) -> float | None:
        """Give when (seconds since the epoch) an agent that is offline was last heard of, None when it is online."""
        with self._lock:
            rules = [rule for rule in self._rules if rule.kind == "agent_offline" and not rule.ended]
        found = [rule.since for rule in rules if any(rule.agent in name for name in names)]
        return time.time() - (time.monotonic() - min(found)) if found else None

    def stuck(self, *names: str) -> bool:
        """Tell whether executions of the task of these names do not get through LAUNCHING."""
        return bool(self._rules) and self._standing("stuck_launching", "task", names)

    def _standing(self, kind: str, member: str, names: Collection[str]) -> bool:
        with self._lock:
            self._rules = [rule for rule in self._rules if not rule.ended]
            wanted = [str(getattr(rule, member)) for rule in self._rules if rule.kind == kind]
        return any(text in name for text in wanted for name in names)

    def strike(self, kinds: Collection[str], names: Collection[str], path: str) -> TransferFault | None:
        """Give the first rule that strikes a file (or, with path "/", an execution), counting it down."""
        with self._lock:
            for rule in self._rules:
                if (
                    rule.kind in kinds
                    and any(rule.task in name for name in names)
                    and (path == "/" or fnmatchcase(path, rule.match))
                ):
                    rule.struck += 1
                    if rule.times is not None and rule.struck >= rule.times:
                        self._rules.remove(rule)
                    return rule
        return None

    def route(self, environ: Environ, rest: str) -> Reply:
        """Answer /_landfall/datasync/faults; `rest` is a fault's id or nothing."""
        method = environ["REQUEST_METHOD"]
        if method == "GET":
            with self._lock:
                return json_reply([asdict(rule) for rule in self._rules])
        if method == "DELETE":
            return json_reply({"cleared": self.clear(rest)})
        if method != "POST":
            return json_reply({"message": "Use POST, GET or DELETE."}, status=405)
        try:
            return json_reply({"id": self.add(json_body(environ)).id}, status=201)
        except (ValueError, TypeError) as error:
            return json_reply({"message": str(error)}, status=400)
