"""File-name patterns fold what a sender varies; a name that contradicts its content is telling by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ioc_refresh.filenames import file_name_keys, name_pattern

names = st.text(st.sampled_from("abcdef0123 _-.é"), max_size=30)


@pytest.mark.parametrize(
    ("name", "mime", "keys"),
    [
        ("Invoice_2026-03.pdf", "application/pdf", ["invoice-0-0.pdf"]),
        ("invoice 1999 12.PDF", "application/pdf", ["invoice-0-0.pdf"]),
        ("scan 0f3a9b2c77.html", "text/html", ["scan-*.html"]),
        ("0.pdf", "application/pdf", []),
        ("12345.html", "text/html", []),
        ("Invoice.pdf", "Text/HTML; charset=utf-8", ["invoice.pdf", "pdf is text/html"]),
        ("1.pdf", "text/html", ["pdf is text/html"]),
        ("Invoice.pdf", "application/octet-stream", ["invoice.pdf"]),
        ("Invoice.pdf", None, ["invoice.pdf"]),
        ("letter.xyz", "text/html", ["letter.xyz"]),
        ("no extension", "text/html", []),
        ("letter.", "text/html", []),
        ("letter.p d f", "text/html", []),
        ("letter.waytoolongextension", None, []),
        ("Rechnung für März.pdf", None, ["rechnung-für-märz.pdf"]),
        ("", None, []),
        (None, "text/html", []),
    ],
)
def test_a_name_gives_its_pattern_and_its_contradiction(name: str | None, mime: str | None, keys: list[str]) -> None:
    assert list(file_name_keys(name, mime)) == keys


@given(names)
def test_a_pattern_is_its_own_pattern(stem: str) -> None:
    assert name_pattern(name_pattern(stem)) == name_pattern(stem)


@given(names, st.integers(0, 10**6), st.integers(0, 10**6))
def test_names_that_differ_in_a_short_number_have_one_pattern(stem: str, first: int, second: int) -> None:
    assert name_pattern(f"{stem} {first} x") == name_pattern(f"{stem} {second} x")


@given(st.none() | st.text(), st.none() | st.text())
def test_any_name_gives_short_keys(name: str | None, mime: str | None) -> None:
    assert all(0 < len(key) <= 300 + len(mime or "") for key in file_name_keys(name, mime))
