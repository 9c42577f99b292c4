"""What a tree is like: sizes, ages, depth, full directories, odd names, hard links, files that outweigh a part.

Read from a canonical listing (see `listing.normalise`), out of core. A listing cannot tell everything: sparse files
count with their length, as DataSync writes them; contents and locks are not visible.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.listings.listing import out_of_core

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

EXAMPLES: Final = 5
_TOP: Final = 10
AGES: Final[Mapping[str, int | None]] = {
    "in the future": 0,
    "< 1 day": 1,
    "1 day - 1 week": 7,
    "1 week - 1 month": 30,
    "1 - 3 months": 91,
    "3 - 12 months": 365,
    "1 - 2 years": 730,
    "2 - 5 years": 1826,
    "5 - 10 years": 3652,
    "> 10 years": None,
}
"""Label and days until which it reaches."""

_ESCAPE: Final = r"\\x(?:[89a-f][0-9a-f]|5c)"
_RESERVED: Final = r"(?i:(?:^|/)(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.[^/]*)?(?:/|$))"
_BYTES: Final = f"(strlen(path) - 3 * len(regexp_extract_all(path, '{_ESCAPE}')))"
# Kinds of odd names, as conditions over `path`; a file below an odd directory is as hard to create as the directory.
ODD: Final[Mapping[str, str]] = {
    "line_break": r"regexp_matches(path, '[\n\r]')",
    "control": r"regexp_matches(path, '[\x01-\x09\x0b\x0c\x0e-\x1f\x7f]')",
    "quote": """regexp_matches(path, '["'']')""",
    "backslash": r"""regexp_matches(replace(path, '\x5c', '\'), '\\(?:[^x]|x[^89a-f]|$)') OR contains(path, '\x5c')""",
    "not_utf8": r"regexp_matches(path, '\\x[89a-f][0-9a-f]')",
    "edge": r"regexp_matches(path, '(?:^|/) |[. ](?:/|$)')",
    "windows_letter": """regexp_matches(path, '[<>:"|?*]')""",
    "windows_reserved": f"regexp_matches(path, '{_RESERVED}')",
    "long_name": (
        "strlen(path) > 255 AND list_max(list_transform(string_split(path, '/'), lambda name: "
        f"strlen(name) - 3 * len(regexp_extract_all(name, '{_ESCAPE}')))) > 255"
    ),
    "path_over_1024": f"{_BYTES} > 1024",
    "path_over_4096": f"{_BYTES} > 4096",
}
_MAYBE_ODD: Final = (
    rf"""regexp_matches(path, '[\x01-\x1f\x7f<>:"|?*\\'']|(?:^|/) |[. ](?:/|$)|{_RESERVED}') OR strlen(path) > 255"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddities:
    """Names of one kind: how many rows, and a few of them."""

    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a listing holds.

    :ivar sizes: {power: (files, bytes)} of files of at least 2**power bytes and less than twice that; -1 is empty.
    :ivar ages: (label, files, bytes) by age of the last change, the youngest first.
    :ivar quantiles: size in bytes below which 50, 90, 99 % of the files are.
    :ivar largest: (path, bytes) of the largest files.
    :ivar fullest: (directory, entries) of the directories with the most entries; "" is the root.
    :ivar deepest: (path, depth) of the deepest rows, 1 for one in the root.
    :ivar odd: kinds of `ODD` and `case_twins` (names that differ by case alone) that occur.
    :ivar links: files with more than one name that are all in the listing, by inode; None when it does not say.
    :ivar link_bytes: what their second and further names take on the target, where each becomes a file of its own.
    :ivar fair_share: the cost of a part if all were equal; `above_share` files are dearer than that alone.
    """

    files: int
    directories: int
    symlinks: int
    bytes: int
    newest: str
    oldest: str
    sizes: Mapping[int, tuple[int, int]]
    ages: tuple[tuple[str, int, int], ...]
    quantiles: Mapping[int, int]
    largest: tuple[tuple[str, int], ...]
    fullest: tuple[tuple[str, int], ...]
    deepest: tuple[tuple[str, int], ...]
    odd: Mapping[str, Oddities]
    links: int | None
    link_bytes: int
    fair_share: float
    above_share: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return asdict(self) | {"sizes": {str(power): list(found) for power, found in self.sizes.items()}}

    @property
    def largest_bytes(self) -> int:
        """The size of the largest file, 0 without files."""
        return self.largest[0][1] if self.largest else 0

    def odd_count(self, kind: str) -> int:
        """How many rows have names of a kind."""
        return self.odd[kind].count if kind in self.odd else 0


def profile(
    listing: Path, *, now: datetime, parts: int, cost_per_file_bytes: int, memory_limit: str = "2GB"
) -> Profile:
    """Return what a canonical listing holds.

    :param now: aware; ages are counted from it.
    :param parts: manifests that it will be split into, for the fair share.
    """
    with out_of_core(memory_limit=memory_limit) as connection:
        rows = connection.read_parquet(str(listing))
        rows.create_view("listing")
        columns = set(rows.columns)
        counts = _counts(connection)
        share = (counts["bytes"] + cost_per_file_bytes * counts["movable"]) / parts
        above = "SELECT count(*) FROM listing WHERE type <> 'directory' AND size + ? > ?"
        links, link_bytes = _hard_links(connection) if {"inode", "links"} <= columns else (None, 0)
        return Profile(
            files=counts["files"],
            directories=counts["directories"],
            symlinks=counts["symlinks"],
            bytes=counts["bytes"],
            newest=counts["newest"],
            oldest=counts["oldest"],
            sizes=_sizes(connection),
            ages=_ages(connection, now),
            quantiles=_quantiles(connection),
            largest=_pairs(
                connection, "SELECT path, size FROM listing WHERE type = 'file' ORDER BY size DESC, path LIMIT ?"
            ),
            fullest=_fullest(connection),
            deepest=_pairs(
                connection,
                "SELECT path, length(path) - length(replace(path, '/', '')) + 1 AS depth FROM listing "
                "ORDER BY depth DESC, path LIMIT ?",
            ),
            odd=_odd_names(connection),
            links=links,
            link_bytes=link_bytes,
            fair_share=share,
            above_share=connection.execute(above, [cost_per_file_bytes, share]).fetchone()[0],
        )


def _counts(connection: Any) -> dict[str, Any]:
    query = """
        SELECT count(*) FILTER (WHERE type = 'file') AS files,
            count(*) FILTER (WHERE type = 'directory') AS directories,
            count(*) FILTER (WHERE type = 'symlink') AS symlinks,
            count(*) FILTER (WHERE type <> 'directory') AS movable,
            coalesce(sum(size) FILTER (WHERE type = 'file'), 0)::BIGINT AS bytes,
            coalesce(strftime(max(mtime) FILTER (WHERE type = 'file'), '%Y-%m-%d'), '') AS newest,
            coalesce(strftime(min(mtime) FILTER (WHERE type = 'file'), '%Y-%m-%d'), '') AS oldest
        FROM listing"""
    found = connection.execute(query)
    return dict(zip([column[0] for column in found.description], found.fetchone(), strict=True))


def _sizes(connection: Any) -> dict[int, tuple[int, int]]:
    query = """
        SELECT CASE WHEN size = 0 THEN -1 ELSE floor(log2(size))::INTEGER END AS power,
            count(*), sum(size)::BIGINT
        FROM listing WHERE type = 'file' GROUP BY power ORDER BY power"""
    return {power: (files, size) for power, files, size in connection.execute(query).fetchall()}


def _ages(connection: Any, now: datetime) -> tuple[tuple[str, int, int], ...]:
    place = " + ".join(f"(days >= {until})::INTEGER" for until in AGES.values() if until is not None)
    query = f"""
        SELECT {place} AS age, count(*), coalesce(sum(size), 0)::BIGINT
        FROM (SELECT size, (epoch(?::TIMESTAMPTZ) - epoch(mtime)) / 86400 AS days FROM listing WHERE type = 'file')
        GROUP BY age"""  # noqa: S608 - constants
    found = {age: (files, size) for age, files, size in connection.execute(query, [now]).fetchall()}
    return tuple((label, *found.get(place, (0, 0))) for place, label in enumerate(AGES))


def _quantiles(connection: Any) -> dict[int, int]:
    query = "SELECT approx_quantile(size, [0.5, 0.9, 0.99]) FROM listing WHERE type = 'file'"
    found = connection.execute(query).fetchone()[0] or (0, 0, 0)
    return dict(zip((50, 90, 99), (int(size) for size in found), strict=True))


def _fullest(connection: Any) -> tuple[tuple[str, int], ...]:
    query = """
        SELECT parent, count(*) AS entries FROM (
            SELECT CASE WHEN contains(path, '/') THEN left(path, length(path) - length(split_part(path, '/', -1)) - 1)
                ELSE '' END AS parent
            FROM listing
        ) GROUP BY parent ORDER BY entries DESC, parent LIMIT ?"""
    return _pairs(connection, query)


def _pairs(connection: Any, query: str) -> tuple[tuple[str, int], ...]:
    return tuple((str(name), int(number)) for name, number in connection.execute(query, [_TOP]).fetchall())


def _odd_names(connection: Any) -> dict[str, Oddities]:
    """Look at names that may be odd only: a few among millions."""
    connection.execute(f"CREATE TEMP TABLE odd AS SELECT path FROM listing WHERE {_MAYBE_ODD}")  # noqa: S608 - constants
    found = {}
    for kind, condition in ODD.items():
        query = f"SELECT count(*), min_by(path, path, {EXAMPLES}) FROM odd WHERE {condition}"  # noqa: S608 - constants
        count, examples = connection.execute(query).fetchone()
        if count:
            found[kind] = Oddities(count=count, examples=tuple(examples))
    return found | _case_twins(connection)


def _case_twins(connection: Any) -> dict[str, Oddities]:
    """Names that a file system without case would take for one; 64-bit hashes first, since nearly all are alone."""
    maybe = """
        CREATE TEMP TABLE maybe_twins AS SELECT path FROM listing WHERE hash(lower(path)) IN (
            SELECT digest FROM (SELECT hash(lower(path)) AS digest FROM listing) GROUP BY digest HAVING count(*) > 1)"""
    connection.execute(maybe)
    query = """
        SELECT count(*), min_by(path, path, ?) FROM maybe_twins WHERE lower(path) IN (
            SELECT lower(path) FROM maybe_twins GROUP BY lower(path) HAVING count(*) > 1)"""
    count, examples = connection.execute(query, [EXAMPLES]).fetchone()
    return {"case_twins": Oddities(count=count, examples=tuple(examples))} if count else {}


def _hard_links(connection: Any) -> tuple[int, int]:
    query = """
        SELECT coalesce(sum(names), 0)::BIGINT, coalesce(sum((names - 1) * size), 0)::BIGINT FROM (
            SELECT count(*) AS names, max(size) AS size FROM listing
            WHERE type = 'file' AND links > 1 GROUP BY inode HAVING count(*) > 1
        )"""
    names, extra = connection.execute(query).fetchone()
    return int(names), int(extra)
