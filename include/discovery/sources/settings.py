"""How sources are read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingSettings:
    """Limits and habits of the readers; the defaults fit exports as the tools write them."""

    formats: tuple[str, ...] = field(
        default=(),
        metadata={"doc": "Your own format files (paths); they add headers to shipped formats, or new formats."},
    )
    decimal: str = field(
        default="auto",
        metadata={
            "doc": "Decimal sign of numbers; auto decides for each sheet by its values.",
            "choices": ("auto", "point", "comma"),
        },
    )
    dates: str = field(
        default="auto",
        metadata={
            "doc": "Order of day and month in dates as 03/04/2026; auto decides for each column by its values.",
            "choices": ("auto", "day_first", "month_first"),
        },
    )
    empty_words: tuple[str, ...] = field(
        default=("n/a", "#n/a", "null", "nan", "-", "--"),
        metadata={"doc": "Words, in lower case, that mean an empty cell."},
    )
    told_per_column: int = field(
        default=1_000,
        metadata={"doc": "Bad values told one by one for each column; the rest is counted.", "minimum": 1},
    )
    largest_unpacked_mb: int = field(
        default=4_096, metadata={"doc": "Archives and workbooks that unpack to more are refused.", "minimum": 1}
    )
    largest_ratio: int = field(
        default=200, metadata={"doc": "Archives and workbooks that shrink more than this are refused.", "minimum": 2}
    )
    most_entries: int = field(
        default=10_000, metadata={"doc": "Archives and workbooks with more entries are refused.", "minimum": 1}
    )
    largest_sheet_cells: int = field(
        default=50_000_000, metadata={"doc": "Sheets with more cells are refused.", "minimum": 1}
    )
