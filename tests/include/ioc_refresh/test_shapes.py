"""A URL's shape stays the same when a kit moves; shapes that every web site has are told apart."""

import re
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ioc_refresh.shapes import MAX_TOKEN, _parameter_names, is_distinctive, url_shape

queries = st.text(st.sampled_from("ab=&+%41é;"), max_size=20) | st.text(max_size=20)
paths = st.text(st.sampled_from("/ab1.-_é"), max_size=40)


@pytest.mark.parametrize(
    ("path", "query", "shape"),
    [
        ("/track/3UjVBV46", "id=7&k=x", "/track/*?id&k"),
        ("/track/9ZZabc11", "k=&id=99", "/track/*?id&k"),
        ("/a/12/b345c", "", "/a/0/*"),
        ("/2026/03/01/", "", "/0/0/0/"),
        ("/index-12.PHP", "", "/*.php"),
        ("/abcdefghijklmnopqrst", "", "/*"),
        ("/abcdefghijklmnopqrs", "", "/abcdefghijklmnopqrs"),
        ("/.hidden", "", "/.hidden"),
        ("", "", ""),
        ("/x", "b&a&a=1", "/x?a&b"),
        ("/x", "n%61me=1&two+words=2", "/x?name&two words"),
        ("/x", f"{'n' * (MAX_TOKEN + 1)}=1", "/x"),
    ],
)
def test_numbers_and_tokens_are_folded_and_words_stay(path: str, query: str, shape: str) -> None:
    assert url_shape(path, query) == shape


@given(paths)
def test_folding_a_shape_again_changes_nothing(path: str) -> None:
    assert url_shape(url_shape(path, ""), "") == url_shape(path, "")


@given(paths, st.integers(0, 10**6), st.integers(0, 10**6))
def test_two_urls_that_differ_in_a_number_have_one_shape(path: str, first: int, second: int) -> None:
    assert url_shape(f"{path}/{first}", "") == url_shape(f"{path}/{second}", "")


@given(queries)
def test_parameter_names_are_those_that_urllib_reads(query: str) -> None:
    assert list(_parameter_names(query)) == [name for name, _ in parse_qsl(query, keep_blank_values=True)]


@pytest.mark.parametrize(
    ("shape", "distinctive"),
    [
        ("/parcel-redelivery/*", True),
        ("/images/logo.png", False),
        ("/track/click/*", False),
        ("/Index/HOME/page", False),
        ("/abc/def/0", False),
        ("/a/b?one&two&three", True),
        ("/a/b?one&two", False),
        ("/parcel", False),
        ("/images/parcel9x", False),
        ("", False),
    ],
)
def test_a_distinctive_shape_has_a_word_of_its_own_or_three_parameters(shape: str, distinctive: bool) -> None:
    assert is_distinctive(shape) is distinctive


@given(st.text(st.sampled_from("/abcdé._-0*"), min_size=8, max_size=30))
def test_words_are_found_between_separators_only(path: str) -> None:
    words = [word for word in re.split(r"[/._-]", path) if re.fullmatch("[A-Za-z]{4,}", word)]
    assert is_distinctive(path) is bool(words)
