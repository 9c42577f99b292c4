"""What the path of a counted request means to the rules."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from include.scanner_block.policy_model import LogFormat, Rules

NO_URI: Final = -1
_REMEMBERED: Final = 20_000
_LONGEST_REMEMBERED: Final = 512


@dataclass(frozen=True, slots=True)
class PathMeaning:
    """Whether requests for it never count, the index of its threshold of its own (or NO_URI), and its digest (or 0)."""

    ignored: bool
    uri: int
    digest: int


class PathJudge:
    """Applies the rules on paths, remembering the ones that come again."""

    def __init__(self, rules: Rules, log_format: LogFormat) -> None:
        self.uris = tuple(sorted(rules.uris(log_format)))
        """The paths with thresholds of their own, by index."""
        self.digests = rules.distinct_error_paths is not None and not log_format.counts_every_request
        self._index = {uri.encode(): index for index, uri in enumerate(self.uris)}
        self._suffixes = tuple(suffix.encode() for suffix in rules.ignored_suffixes)
        self._known: dict[bytes, PathMeaning] = {}

    @property
    def needed(self) -> bool:
        """Whether any rule looks at paths."""
        return bool(self._index or self._suffixes or self.digests)

    def meaning(self, path: bytes) -> PathMeaning:
        """Return what a path means."""
        known = self._known.get(path)
        if known is not None:
            return known
        digest = int.from_bytes(hashlib.md5(path, usedforsecurity=False).digest()[:8], "big") if self.digests else 0
        found = PathMeaning(path.endswith(self._suffixes), self._index.get(path, NO_URI), digest)
        if len(path) <= _LONGEST_REMEMBERED:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[path] = found
        return found
