"""Rows as Parquet, also rows that failed a gate because no Parquet type fits them."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Return a frame as one Parquet file, without its index.

    A column of mixed Python objects has no Parquet type; it is written as text rather than lost. Of columns with the
    same name the first is written.
    """
    frame = frame.loc[:, ~frame.columns.duplicated()]
    storable = {name: _as_text(frame[name]) for name in frame.columns if _is_mixed(frame[name])}
    buffer = BytesIO()
    frame.assign(**storable).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _is_mixed(column: pd.Series) -> bool:
    import pyarrow as pa

    if column.dtype != object:
        return False
    try:
        pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return True
    return False


def _as_text(column: pd.Series) -> pd.Series:
    return column.map(str, na_action="ignore")
