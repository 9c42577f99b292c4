"""Which objects of counts are valid: those that committed runs wrote, by source and hour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class CountFiles:
    """The versions that wrote counts for an hour (`YYYY-MM-DD-HH`, UTC), by source.

    It is part of each commit's state, so what a run wrote that never committed counts for nobody.
    """

    versions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def adding(self, source: str, version: str, hours: Iterable[str]) -> CountFiles:
        """Return them with what a version wrote for a source."""
        by_hour = dict(self.versions.get(source, {}))
        for hour in hours:
            by_hour[hour] = tuple(sorted({*by_hour.get(hour, ()), version}))
        return CountFiles({**self.versions, source: by_hour})

    def since(self, hour: str, *, sources: Iterable[str]) -> CountFiles:
        """Return those of the named sources from an hour on."""
        return CountFiles(
            {
                source: {one: versions for one, versions in self.versions[source].items() if one >= hour}
                for source in sorted(sources)
                if source in self.versions
            }
        )

    def without(self, files: Iterable[tuple[str, str, str]]) -> CountFiles:
        """Return them without some (source, hour, version): those that somebody deleted."""
        gone = set(files)
        kept = CountFiles()
        for source, hour, version in self:
            if (source, hour, version) not in gone:
                kept = kept.adding(source, version, [hour])
        return kept

    def of(self, source: str, hours: Iterable[str]) -> list[tuple[str, str]]:
        """Return (hour, version) of a source's objects for some hours, in order."""
        by_hour = self.versions.get(source, {})
        return [(hour, version) for hour in sorted(set(hours)) for version in by_hour.get(hour, ())]

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        """Yield (source, hour, version)."""
        for source, by_hour in self.versions.items():
            for hour, versions in by_hour.items():
                for version in versions:
                    yield source, hour, version

    def to_document(self) -> dict[str, dict[str, list[str]]]:
        """Return a JSON document."""
        return {
            source: {hour: list(versions) for hour, versions in by_hour.items()}
            for source, by_hour in self.versions.items()
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Mapping[str, Iterable[str]]]) -> CountFiles:
        """Read what `to_document` wrote."""
        return cls(
            {
                source: {hour: tuple(versions) for hour, versions in by_hour.items()}
                for source, by_hour in document.items()
            }
        )
