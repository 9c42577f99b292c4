"""Write an assessment's data files without its names: pseudonyms that are the same everywhere, and a private map.

Names are learnt from the columns that hold them (`Column.private`, and the inventory), then replaced wherever they
stand,
in free text too. Addresses keep their subnets: two that share a prefix of whole bytes share it afterwards, and private
ones stay in their private range (prefix-preserving, after Xu et al., "Prefix-Preserving IP Address Anonymization",
2002,
by bytes instead of bits). Columns that may hold anything (tags, comments) are emptied.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from typing import TYPE_CHECKING, Any, Final

from include.discovery.delivery.files import CONFLICTS, FILES
from include.discovery.delivery.placing import FolderRefusedError, read_manifest, replaced
from include.discovery.delivery.pseudonyms import Names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from include.discovery.delivery.schemas import File

_INVENTORY: Final = {
    "server_id": "server", "hostname": "server", "fqdn": "server", "vm_name": "server", "owner": "person",
    "application": "application",
    "tier": "tier", "business_unit": "unit", "location": "place", "virtual_host": "host", "cluster": "cluster",
    "ip_addresses": "address", "mac_addresses": "mac",
}  # fmt: skip
_FREE: Final = frozenset("reason rule trace chosen_value other_value chosen_source other_source blockers".split())
"""Columns of free text: whatever name stands in them is replaced, as in columns that hold names."""
_EMPTIED: Final = ("tags",)
_SHORTEST_SALT: Final = 16


def anonymise(folder: Path, out: Path, *, salt: bytes) -> None:
    """Write the CSV, JSON and Parquet files of an assessment with pseudonyms into `out`.

    The map of names to pseudonyms stands beside, as `<out>.map.json`, readable by its owner alone; who has it can undo
    everything. The report, the workbook and the hand-over files are left out.

    :param salt: secret, at least 16 bytes; the same salt gives the same pseudonyms.
    :raises ValueError: when the salt is shorter.
    :raises FolderRefusedError: when `folder` is no assessment, or `out` holds something else.
    """
    if len(salt) < _SHORTEST_SALT:
        raise ValueError(f"The salt has {len(salt)} bytes; give at least {_SHORTEST_SALT} random ones.")
    if out.resolve() == folder.resolve():
        raise FolderRefusedError(f"{out} is the assessment itself; name another folder for the anonymised files.")
    read_manifest(folder)
    names = Names(salt)
    _learn(folder, names)
    with replaced(out) as new:
        for file in FILES:
            _rewrite_csv(folder, new, file, names)
        for name in ("summary.json", "quality.json"):
            _rewrite_json(folder / name, new / name, names)
        _rewrite_parquet(folder / "servers.parquet", new / "servers.parquet", names)
    _write_map(out.with_name(f"{out.name}.map.json"), names)


def _learn(folder: Path, names: Names) -> None:
    """Take every name from the columns that hold names, the inventory first."""
    from pyarrow import parquet

    table = parquet.read_table(folder / "servers.parquet", columns=list(_INVENTORY))
    for column, kind in _INVENTORY.items():
        for value in table.column(column).to_pylist():
            for one in value if isinstance(value, list) else [value]:
                names.learn(kind, one)
    for file in FILES:
        private = {column.name: column.private for column in file.columns if column.private}
        for row in _rows(folder / file.path):
            for column, kind in private.items():
                names.learn(kind, row[column])
    for row in _rows(folder / CONFLICTS.path):  # values that lost are in no other file
        if row["field"] in _INVENTORY:
            names.learn(_INVENTORY[row["field"]], row["chosen_value"])
            names.learn(_INVENTORY[row["field"]], row["other_value"])
    quality = json.loads((folder / "quality.json").read_text(encoding="utf-8"))
    for entry in (*quality["sources"], *quality["refused"]):
        names.learn("file", entry["file"])
    settings = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["settings"]
    names.learn("estate", settings.get("name"))
    names.learn("file", settings.get("prices"))
    names.learn("account", (settings.get("delivery") or {}).get("account_id"))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        yield from csv.DictReader(opened)


def _rewrite_csv(folder: Path, new: Path, file: File, names: Names) -> None:
    touched = [bool(column.private) or column.name in _FREE for column in file.columns]
    with (
        (folder / file.path).open(encoding="utf-8", newline="") as opened,
        (new / file.path).open("w", encoding="utf-8", newline="") as written,
    ):
        rows = csv.reader(opened)
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(next(rows))
        for row in rows:
            writer.writerow(
                [names.replace(cell) if is_touched else cell for cell, is_touched in zip(row, touched, strict=True)]
            )


def _rewrite_json(path: Path, target: Path, names: Names) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    for entry in content.get("quarantine", ()):  # values as written may hold anything
        entry.update(value=None, sentence=f"The field {entry['field']} was set aside.")
    text = json.dumps(_rewrite(content, names), indent=2, ensure_ascii=False)
    target.write_text(text + "\n", encoding="utf-8")


def _rewrite(content: Any, names: Names, *, keys: bool = False) -> Any:
    """Return JSON with every text replaced; keys too below the settings, where an application may be one."""
    if isinstance(content, dict):
        return {
            names.replace(key) if keys else key: _rewrite(value, names, keys=keys or (key == "settings" and not keys))
            for key, value in content.items()
        }
    if isinstance(content, list):
        return [_rewrite(value, names, keys=keys) for value in content]
    return names.replace(content) if isinstance(content, str) else content


def _rewrite_parquet(path: Path, target: Path, names: Names) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = parquet.read_table(path)
    for number, entry in enumerate(table.schema):
        values = table.column(number)
        if entry.name in _EMPTIED:
            changed = pa.nulls(len(table), entry.type)
        elif entry.name not in _INVENTORY:
            continue
        else:
            made = [
                [names.replace(one) for one in value] if isinstance(value, list) else names.replace(value)
                for value in values.to_pylist()
            ]
            changed = pa.array(made, entry.type)
        table = table.set_column(number, entry, changed)
    parquet.write_table(table, target, compression="zstd")


def _write_map(path: Path, names: Names) -> None:
    text = json.dumps(names.map(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
    shutil.move(beside, path)
