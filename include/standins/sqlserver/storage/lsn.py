"""Log sequence numbers: SQL Server's numeric(25,0), made of virtual log file, block and slot."""

from __future__ import annotations

import re

BLOCK_BYTES = 512
FIRST_LSN = 34_0000000016_00001
"""Where the log of a new database begins: 34:16:1."""

_BLOCKS_PER_VLF = 131_072  # 64 MB, as a log grown in larger steps has them
_FIRST_BLOCK = 16  # a virtual log file begins with a header of 8 KB
_SLOT = 10**5
_BLOCK = 10**15


def make_lsn(vlf: int, block: int, slot: int) -> int:
    """Join the parts to one number: 10 digits of virtual log file, 10 of block, 5 of slot."""
    if not (0 <= vlf < 10**10 and 0 <= block < 10**10 and 0 <= slot < 10**5):
        raise ValueError(f"No LSN has the parts {vlf}:{block}:{slot}.")
    return vlf * _BLOCK + block * _SLOT + slot


def parts(lsn: int) -> tuple[int, int, int]:
    """Split into virtual log file, block and slot."""
    vlf, rest = divmod(lsn, _BLOCK)
    block, slot = divmod(rest, _SLOT)
    return vlf, block, slot


def after(lsn: int, size: int) -> int:
    """Return the LSN that follows a record of `size` bytes at `lsn`."""
    vlf, block, _ = parts(lsn)
    block += max(1, -(-size // BLOCK_BYTES))
    if block >= _BLOCKS_PER_VLF:
        vlf, block = vlf + 1, _FIRST_BLOCK
    return make_lsn(vlf, block, 1)


def format_lsn(lsn: int) -> str:
    """Write it as SQL Server's messages and columns do: decimal, no leading zeros."""
    return str(lsn)


def parse_lsn(text: str) -> int:
    """Read a decimal LSN or the form vlf:block:slot in hexadecimal, as sys.fn_dblog prints it.

    :raises ValueError: it is neither.
    """
    if re.fullmatch(r"[0-9]{1,25}", text):
        return int(text)
    if match := re.fullmatch(r"([0-9a-fA-F]{8}):([0-9a-fA-F]{8}):([0-9a-fA-F]{4})", text):
        vlf, block, slot = (int(part, 16) for part in match.groups())
        return make_lsn(vlf, block, slot)
    raise ValueError(f"{text!r} is no LSN: write up to 25 digits, or vlf:block:slot in hexadecimal.")
