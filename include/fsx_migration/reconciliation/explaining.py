"""Whether each difference between source and target is explained: by a named failure, by a rule, or by nothing.

A difference is pending when the source changed there since its last listing: the next pass moves it. It is explained
when a failed file (or failed directory above it) of the passes names it, kept when a rule of DataSync or of the
definition leaves it so, and unexplained otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.listings.listing import out_of_core

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from include.fsx_migration.transfer.pass_model import FailedFile

NEVER_COPIED: Final = r"(^|/)[^/]*\.snapshot(/|$)|^\.(aws-datasync|awssync|zfs)(/|$)"
"""What DataSync leaves out by itself (user guide, "Filtering the data transferred by DataSync")."""
_SCHEMA: Final = "path VARCHAR, why VARCHAR, step VARCHAR, directory BOOLEAN"


class Standing(StrEnum):
    """What is known of a path that differs."""

    UNEXPLAINED = "unexplained"
    EXPLAINED = "explained"
    PENDING = "pending"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Paths that differ, by what is known of them."""

    unexplained: int = 0
    explained: int = 0
    pending: int = 0
    kept: int = 0

    @property
    def paths(self) -> int:
        """All of them."""
        return self.unexplained + self.explained + self.pending + self.kept


def explain(
    differences: Path,
    out: Path,
    *,
    failed: Iterable[FailedFile] = (),
    changed_since: Path | None = None,
    frozen: bool = False,
    keeps_extra: bool = False,
    memory_limit: str = "1GB",
) -> Explanation:
    """Write `out`: path, kinds, standing, why; unexplained paths first, each path once.

    :param differences: of source and target, as `reconciling.reconcile` writes them.
    :param failed: what the passes could not move; a failed deletion explains only what the target has too much.
    :param changed_since: the differences between the source's last listing and the source now.
    :param frozen: nothing may have changed since: then such a path is unexplained, whatever failed before.
    :param keeps_extra: the definition leaves on the target what the source no longer has.
    """
    with out_of_core(memory_limit=memory_limit) as connection:
        _load(connection, differences, failed, changed_since)
        changed = Standing.UNEXPLAINED if frozen else Standing.PENDING
        late = "changed in the source after the last pass" if frozen else "changed in the source since the last pass"
        cases = [
            ("c.path IS NOT NULL", changed, f"'{late}'"),
            ("f.path IS NOT NULL", Standing.EXPLAINED, "f.why"),
            ("a.path IS NOT NULL", Standing.EXPLAINED, "a.why"),
            (f"one_sided AND regexp_matches(d.path, '{NEVER_COPIED}')", Standing.KEPT, "'DataSync never copies it'"),
            ("only_extra AND $keeps", Standing.KEPT, "'the definition keeps what only the target has'"),
        ]
        standing = " ".join(f"WHEN {condition} THEN '{name.value}'" for condition, name, _ in cases)
        why = " ".join(f"WHEN {condition} THEN {text}" for condition, _, text in cases)
        connection.execute(
            f"""CREATE TABLE findings AS FROM differing d
                LEFT JOIN changed c ON c.path = d.path
                LEFT JOIN failures f ON f.path = d.path AND (f.step = 'delete') = only_extra
                LEFT JOIN ancestors a ON a.below = d.path
                SELECT d.path, d.kinds, CASE {standing} ELSE 'unexplained' END AS standing,
                       CASE {why} ELSE d.told END AS why""",
            {"keeps": keeps_extra},
        ).fetchall()
        order = "standing <> 'unexplained', standing, path"
        quoted = str(out).replace("'", "''")
        connection.execute(f"COPY (FROM findings ORDER BY {order}) TO '{quoted}' (FORMAT parquet)").fetchall()
        counts = dict(connection.execute("FROM findings SELECT standing, count(*) GROUP BY 1").fetchall())
    return Explanation(**{name: int(count) for name, count in counts.items()})


def _load(connection: Any, differences: Path, failed: Iterable[FailedFile], changed_since: Path | None) -> None:
    """Make the tables `differing` (a row for each path), `failures`, `ancestors` and `changed`."""
    connection.read_parquet(str(differences)).create_view("differences")
    connection.execute(
        """CREATE TABLE differing AS FROM differences
           SELECT path, string_agg(kind, ', ' ORDER BY kind) AS kinds,
                  bool_and(kind = 'extra') AS only_extra,
                  count(*) = 1 AND bool_and(kind IN ('missing', 'extra')) AS one_sided,
                  string_agg(concat(kind, ': ', coalesce(source_value, 'nothing'), ' in the source, ',
                                    coalesce(target_value, 'nothing'), ' in the target'), '; ' ORDER BY kind) AS told
           GROUP BY path"""
    ).fetchall()
    connection.execute(f"CREATE TABLE failures ({_SCHEMA})").fetchall()
    rows = {file.path: (file.path, f"{file.step} failed: {file.reason}", file.step, file.directory) for file in failed}
    if rows:
        columns = [list(column) for column in zip(*rows.values(), strict=True)]
        connection.execute("INSERT INTO failures SELECT unnest(?), unnest(?), unnest(?), unnest(?)", columns).fetchall()
    connection.execute(
        """CREATE TABLE ancestors AS FROM differing d JOIN failures f
           ON f.directory AND f.step <> 'delete' AND NOT d.only_extra AND starts_with(d.path, concat(f.path, '/'))
           SELECT d.path AS below, any_value(f.path) AS path, any_value(concat('in ', f.path, ': ', f.why)) AS why
           GROUP BY d.path"""
    ).fetchall()
    connection.execute("CREATE TABLE changed (path VARCHAR)").fetchall()
    if changed_since is not None:
        connection.read_parquet(str(changed_since)).create_view("since")
        connection.execute("INSERT INTO changed FROM since SELECT DISTINCT path").fetchall()
