"""Listings: what is read, what is refused and how that is said."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.fsx_migration.listings.listing import (
    ListingFacts,
    ListingRefusedError,
    escape_path,
    normalise,
    open_listing,
    out_of_core,
    refuse_duplicates,
    unescape_path,
)

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = datetime(2026, 5, 31, 23, 5, 0, 123456, tzinfo=UTC)
HEADER = "path,size,mtime,mode,uid,gid,type\n"


def row(path: Any = "a/b.bin", **other: Any) -> dict[str, Any]:
    return {
        "path": path, "size": 5, "mtime": MOMENT, "mode": 0o644, "uid": 1000, "gid": 100, "type": "file", **other,
    }  # fmt: skip


def parquet(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    source = tmp_path / "listing.parquet"
    pq.write_table(pa.Table.from_pylist(list(rows)), source)
    return source


def csv_file(tmp_path: Path, text: str) -> Path:
    source = tmp_path / "listing.csv"
    source.write_bytes(text.encode())
    return source


def read(source: Path) -> list[dict[str, Any]]:
    out = source.with_name("canonical.parquet")
    normalise(source, out)
    return list(pq.read_table(out).to_pylist())


@settings(max_examples=200)
@given(
    st.binary(max_size=30)
    | st.lists(st.sampled_from([b"\\", b"x", b"5", b"c", b"f", b"\xff", "é".encode()])).map(b"".join)
)
def test_every_name_has_one_text_and_comes_back(name: bytes) -> None:
    text = escape_path(name)
    text.encode()
    assert unescape_path(text) == name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"plain/name.txt", "plain/name.txt"),
        ("résumé.pdf".encode(), "résumé.pdf"),
        (b"latin-\xe9", r"latin-\xe9"),
        (b"dos\\path", r"dos\path"),
        (rb"\xff", r"\x5cxff"),
        (rb"\x41", r"\x5cx41"),
        (rb"\xFF", r"\xFF"),
        (b"\\\xff", r"\\xff"),
        (b"surrogate-\xed\xa0\x80", r"surrogate-\xed\xa0\x80"),
    ],
)
def test_text_of_a_name_is_what_other_tools_may_rely_on(name: bytes, text: str) -> None:
    assert escape_path(name) == text
    assert unescape_path(text) == name


def test_parquet_becomes_canonical_sorted_and_typed(tmp_path: Path) -> None:
    source = tmp_path / "listing.parquet"
    rows = [
        row("b", target=None),
        row("a", type="directory", size=0),
        row("c", type="symlink", target="b"),
        row("a/x", size=7),
    ]
    table = pa.Table.from_pylist(rows)
    table = table.set_column(1, "size", table["size"].cast(pa.int32()))
    table = table.set_column(2, "mtime", table["mtime"].cast(pa.timestamp("ns")))
    pq.write_table(table.append_column("colour", pa.array(["red"] * 4)), source)
    out = tmp_path / "out.parquet"
    assert normalise(source, out) == ListingFacts(files=2, directories=1, symlinks=1, bytes=12)
    made = pq.read_table(out)
    assert made["path"].to_pylist() == ["a", "a/x", "b", "c"]
    assert {field.name: str(field.type) for field in made.schema} == {
        "path": "string", "size": "int64", "mtime": "timestamp[us, tz=UTC]", "mode": "int32", "uid": "int64",
        "gid": "int64", "type": "string", "target": "string",
    }  # fmt: skip
    assert made["mtime"].to_pylist() == [MOMENT] * 4


def test_csv_reads_octal_modes_and_both_kinds_of_time(tmp_path: Path) -> None:
    text = HEADER + "iso,1,2026-05-31T23:05:00.123456Z,0644,0,0,file\n"
    text += "naive,1,2026-05-31 23:05:00.123456,755,0,0,file\n"
    text += "zone,1,2026-06-01T01:05:00.123456+02:00,4755,0,0,file\n"
    text += "epoch,1,1780268700.123456,0,0,0,file\n"
    text += "before,1,-1.5,7777,0,0,file\n"
    found = {each["path"]: each for each in read(csv_file(tmp_path, text))}
    assert {found[name]["mtime"] for name in ("iso", "naive", "zone", "epoch")} == {MOMENT}
    assert found["before"]["mtime"] == datetime(1969, 12, 31, 23, 59, 58, 500000, tzinfo=UTC)
    modes = {name: each["mode"] for name, each in found.items()}
    assert modes == {"iso": 0o644, "naive": 0o755, "zone": 0o4755, "epoch": 0, "before": 0o7777}


def test_csv_names_with_commas_quotes_and_line_breaks_are_names(tmp_path: Path) -> None:
    names = ["a,b", 'say "hi"', "two\nlines", "carriage\rreturn", " led", "trailed ", "'quoted'", "#hash", "é"]
    lines = "".join('"' + name.replace('"', '""') + '",1,0,0644,0,0,file\n' for name in names)
    assert sorted(each["path"] for each in read(csv_file(tmp_path, HEADER + lines))) == sorted(names)


def test_parquet_and_csv_of_one_tree_are_one_listing(tmp_path: Path) -> None:
    rows = [row("a", checksum="blake2b:1"), row("b", checksum=None)]
    text = HEADER.replace("type", "type,checksum")
    text += f"b,5,{MOMENT.isoformat()},644,1000,100,file,\na,5,{MOMENT.isoformat()},0644,1000,100,file,blake2b:1\n"
    assert read(parquet(tmp_path, *rows)) == read(csv_file(tmp_path, text))


def test_the_order_of_rows_does_not_change_the_canonical_file(tmp_path: Path) -> None:
    rows = [row(f"d{number % 7}/f{number}", size=number) for number in range(500)]
    first, second = tmp_path / "1.parquet", tmp_path / "2.parquet"
    normalise(parquet(tmp_path, *rows), first)
    random.Random(4).shuffle(rows)
    normalise(parquet(tmp_path, *rows), second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (row("") | {}, "its path is empty"),
        (row(None), "its path is empty"),
        (row("/etc/passwd"), "its path is absolute"),
        (row("../secret"), r"goes through \. or \.\."),
        (row("a/../b"), r"goes through \. or \.\."),
        (row("a/.."), r"goes through \. or \.\."),
        (row("./a"), r"goes through \. or \.\."),
        (row("."), r"goes through \. or \.\."),
        (row("a//b"), "has an empty part"),
        (row("a/"), "has an empty part"),
        (row("nul\0"), "holds a NUL"),
        (row(size=-1), "its size is missing, negative"),
        (row(size=None), "its size is missing"),
        (row(type="socket"), "its type is none of"),
        (row(type=None), "its type is none of"),
        (row(mtime=None), "its mtime is missing"),
        (row(mode=0o100644), "its mode is missing or no permission"),
        (row(uid=-2), "its uid or gid"),
        (row(gid=None), "its uid or gid"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused_with_its_number(
    tmp_path: Path, bad: dict[str, Any], sentence: str
) -> None:
    source = parquet(tmp_path, row("first"), row("second"), bad, row("last"))
    with pytest.raises(ListingRefusedError, match=rf"row 3 \(.*\): .*{sentence}"):
        normalise(source, tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("path", ["..a/b", "a/...", "a./b", ".hidden", "a/.git/x", "x..", "a b/ c", r"a\b"])
def test_names_that_only_look_odd_are_taken(tmp_path: Path, path: str) -> None:
    assert [each["path"] for each in read(parquet(tmp_path, row(path)))] == [path]


@pytest.mark.parametrize(
    "line",
    [
        "a,x,0,0644,0,0,file",
        "a,1.5.2,0,0644,0,0,file",
        "a,1,noon,0644,0,0,file",
        "a,1,0,0888,0,0,file",
        "a,1,0,rw,0,0,file",
        "a,1,0,0644,root,0,file",
        ",1,0,0644,0,0,file",
    ],
)
def test_a_csv_field_that_is_no_value_is_refused_with_its_row(tmp_path: Path, line: str) -> None:
    source = csv_file(tmp_path, f"{HEADER}ok,1,0,0644,0,0,file\n{line}\n")
    with pytest.raises(ListingRefusedError, match="row 2"):
        normalise(source, tmp_path / "out.parquet")


def test_two_rows_of_one_path_are_both_named(tmp_path: Path) -> None:
    rows = [row(f"f{number}") for number in range(20)]
    source = parquet(tmp_path, *rows[:7], row("f3", type="directory"), *rows[7:])
    sentence = "rows 4 and 8 both are 'f3'"
    with pytest.raises(ListingRefusedError, match=sentence):
        normalise(source, tmp_path / "out.parquet")
    with out_of_core(memory_limit="1GB") as connection, pytest.raises(ListingRefusedError, match=sentence):
        refuse_duplicates(open_listing(connection, source))


def test_names_that_differ_only_in_letters_of_case_are_two(tmp_path: Path) -> None:
    with out_of_core(memory_limit="1GB") as connection:
        listing = open_listing(connection, parquet(tmp_path, row("A"), row("a"), row("é"), row("e\u0301")))
        refuse_duplicates(listing)
    assert listing.facts.rows == 4


@pytest.mark.parametrize("column", ["path", "size", "mtime", "mode", "uid", "gid", "type"])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    some = row()
    del some[column]
    with pytest.raises(ListingRefusedError, match=f"lacks the column {column}: a listing has path, size"):
        normalise(parquet(tmp_path, some), tmp_path / "out.parquet")


@pytest.mark.parametrize(
    ("column", "value"),
    [("path", b"a"), ("size", 1.5), ("size", "1"), ("mtime", 1780268700), ("mode", "0644"), ("type", 1)],
)
def test_a_column_of_another_kind_is_refused(tmp_path: Path, column: str, value: Any) -> None:
    with pytest.raises(ListingRefusedError, match=f"in the column {column}: it must be"):
        normalise(parquet(tmp_path, row(**{column: value})), tmp_path / "out.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", b"\x00\x01\x02", b"\xff\xfe,path\n1,2\n"])
def test_what_is_no_listing_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "some.file"
    source.write_bytes(content)
    with pytest.raises(ListingRefusedError, match=r"some\.file") as refused:
        normalise(source, tmp_path / "out.parquet")
    assert "\n" not in str(refused.value)


def test_csv_that_is_no_utf8_or_breaks_off_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "listing.csv"
    source.write_bytes(HEADER.encode() + b"caf\xe9,1,0,0644,0,0,file\n")
    with pytest.raises(ListingRefusedError):
        normalise(source, tmp_path / "out.parquet")
    source.write_text(HEADER + "a,1,0,0644,0,0,file\nb,1,0\n")
    with pytest.raises(ListingRefusedError):
        normalise(source, tmp_path / "out.parquet")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListingRefusedError, match="cannot be read as a listing"):
        normalise(tmp_path / "missing.parquet", tmp_path / "out.parquet")


def test_a_name_with_stars_and_brackets_is_one_file_not_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "k=v").mkdir()
    source = tmp_path / "k=v" / "l[1]*.parquet"
    pq.write_table(pa.Table.from_pylist([row("wanted")]), source)
    pq.write_table(pa.Table.from_pylist([row("other")]), tmp_path / "k=v" / "l1x.parquet")
    out = tmp_path / "out.parquet"
    assert normalise(source, out).rows == 1
    assert pq.read_table(out)["path"].to_pylist() == ["wanted"]


def test_a_listing_larger_than_the_memory_is_normalised_all_the_same(tmp_path: Path) -> None:
    count = 400_000
    numbers = pa.array(range(count))
    paths = pc.binary_join_element_wise(
        "a-rather-long-directory/of-a-tree-that-is-deep", pc.cast(numbers, pa.string()), "/"
    )
    columns = {
        "path": paths,
        "size": numbers,
        "mtime": pa.array([MOMENT] * count),
        "mode": pa.array([420] * count, pa.int32()),
    }
    columns |= {"uid": numbers, "gid": numbers, "type": pa.array(["file"] * count)}
    pq.write_table(pa.table(columns), tmp_path / "large.parquet")
    facts = normalise(tmp_path / "large.parquet", tmp_path / "out.parquet", memory_limit="64MB")
    assert facts.files == pq.read_metadata(tmp_path / "out.parquet").num_rows == count


def test_a_memory_limit_that_is_none_is_refused() -> None:
    with pytest.raises(ListingRefusedError, match="is no memory limit"), out_of_core(memory_limit="much"):
        pass
