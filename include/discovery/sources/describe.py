"""Describe the formats that Landfall reads, as the page docs/discovery/sources.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FORMATS: Final = Path(__file__).parent / "formats"
_OPENING: Final = """\
<!-- Written by include/discovery/sources/describe.py from the format files; edit those. -->

# Sources of an assessment

Each format below is a file of `include/discovery/sources/formats/`: the headers it knows, what they fill and in which
unit. A sheet or CSV file is taken for the format whose required columns are all there and which knows most of its
headers; case, spaces, underscores and trailing units of a header do not matter, and columns stand in any order. Headers
that no format knows are listed in the result.

A format file of your own (setting `reading.formats`) adds headers to a shipped format, or is a new one. Here a field of
your own CMDB names the application:

```yaml
format: servicenow_servers
columns:
  application: {headers: ["u_product_line"]}
```

Where several headers of a column are present, the first that is not empty counts, row by row.

Numbers in a source that calls them MB or GB for memory and disks are MiB and GiB, as its tool counts them.

Not read, because no public description was found: Migration Evaluator, Cloudamize and Matilda exports; the Servers and
Applications sheets of MPA. Exports of real ADS agents, MPA and ServiceNow were never at hand: those formats follow
documentation. A user's own CSV with the generic headers is the way for any other tool.

What the tools themselves leave out, and no reader can bring back:

- Export for vCenter skips machines that are powered off, have no address, or share a UUID; its performance window is 60
  minutes unless told otherwise.
- Provisioned space of RVTools, with swap and snapshots, counts only where the capacity of the disks is not told.
- A partition has no size of its own here: it lies on a disk, and both would count.
- `VM UUID` is the vCenter's instance UUID in RVTools and the SMBIOS UUID in Export for vCenter.
- ServiceNow's `install_status` 7, 8 and 100 are retired, stolen and absent; 6 is in stock. An instance may have changed
  them: say so in a format file of your own.
- A ServiceNow export holds one kind: servers, database instances, applications or relations. A list of all classes in
  one file would make every row a server.
- ServiceNow's `cpu_count` is read as vCPUs, unless `cpu_core_count` stands beside it: then it counts sockets, and the
  cores have to come from another source.
- `Peak IOPS (KB)` of MPA counts operations; the unit in the header is not used.
"""


def describe_formats() -> str:
    """Return the page as Markdown: a table of all formats, then the columns of each, in the order of tool and name."""
    formats = sorted(_load(), key=lambda one: (one["tool"] == "generic", one["tool"], one["format"]))
    parts = [_OPENING, "## All formats\n", *_table(("format", "fills", "required"), map(_overview, formats)), ""]
    for one in formats:
        parts += [
            f"## {one['label']}\n",
            *_introduction(one),
            "",
            *_table(("column", "headers", "read as"), _columns(one)),
            "",
        ]
    return "\n".join(parts)


def write_page(page: Path) -> None:
    """Write the page to a file.

    :param page: docs/discovery/sources.md of the project.
    """
    page.write_text(describe_formats(), encoding="utf-8")


def _load() -> list[dict[str, Any]]:
    return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(FORMATS.glob("*.yaml"))]


def _overview(one: Mapping[str, Any]) -> tuple[str, ...]:
    return one["label"], _code([one["fills"]]), _code(one["requires"])


def _introduction(one: Mapping[str, Any]) -> Iterator[str]:
    names = f" File or sheet names that settle a tie hold {_code(one['names'])}." if one.get("names") else ""
    also = f" The same rows are also read as {_code(one['also'])}." if one.get("also") else ""
    yield f"Format `{one['format']}`, fills `{one['fills']}`.{names}{also}"
    yield f"Source: {one['source']}."


def _columns(one: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, column in one["columns"].items():
        yield from _column(name, column)
    for name, value in one.get("marks", {}).items():
        yield _code([name]), "-", f"always {value}"


def _column(name: str, column: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    yield _code([name]), _code([*column.get("headers", ()), *column.get("add", ())]) or "-", _reading(column)
    if "else" in column:
        yield from _column(name, column["else"])


def _reading(column: Mapping[str, Any]) -> str:
    if "constant" in column:
        constant = column["constant"]
        return f"always {constant['value'] if isinstance(constant, dict) else constant}"
    parts = (
        column.get("as", "text"),
        f"in {column['unit']}" if "unit" in column else "",
        "all together" if "add" in column else "",
        f"subtracted from {_code(column['subtract_from'])}" if "subtract_from" in column else "",
        f"as a share of {_code(column['percent_of'])}" if "percent_of" in column else "",
    )
    return ", ".join(part for part in parts if part)


def _code(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _table(titles: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "---|" * len(titles)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
