"""Organisational domains follow the Public Suffix List with its private part; popularity covers what stands below."""

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ioc_refresh.domains import Popularity, ip_literal, organisational_domain, parent_domains

ROOT = Path(__file__).resolve().parents[3]
VECTORS = Path(os.environ.get("LANDFALL_SHARED") or ROOT.parent / "shared") / "data" / "lists" / "psl_tests.txt"
LISTED = Popularity(frozenset({"popular.com", "page.github.io"}), "test", "2026")

names = st.from_regex(r"[a-z0-9_-]{0,8}(\.[a-z0-9_-]{0,8}){0,5}", fullmatch=True) | st.text(max_size=20)


@pytest.mark.parametrize(
    ("host", "organisation"),
    [
        ("example.com", "example.com"),
        ("mail.shop.example.co.uk", "example.co.uk"),
        ("Page.GitHub.io", "page.github.io"),
        ("deep.page.github.io", "page.github.io"),
        ("github.io", None),
        ("co.uk", None),
        ("com", None),
        ("localhost", None),
        ("pc.lan", None),
        ("a..com", None),
        ("", None),
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("[::ffff:192.0.2.7]", "192.0.2.7"),
        ("999.0.2.7", None),
        ("xn--bcher-kva.com", "xn--bcher-kva.com"),
    ],
)
def test_the_organisational_domain_is_one_label_below_the_public_suffix(host: str, organisation: str | None) -> None:
    assert organisational_domain(host) == organisation


def vectors() -> list[tuple[str, str | None]]:
    pairs = (line.split() for line in VECTORS.read_text("utf-8").splitlines() if line and not line.startswith("//"))
    return [(host, None if wanted == "null" else wanted) for host, wanted in pairs]


@pytest.mark.skipif(not VECTORS.exists(), reason="publicsuffix.org's test vectors are not here: set LANDFALL_SHARED")
def test_the_public_suffix_lists_own_vectors_hold_for_every_listed_suffix() -> None:
    """Names under no listed suffix are the one deviation: a mail's `pc.lan` is not somebody's registered domain."""
    found = [(host, wanted) for host, wanted in vectors() if host != "null" and not host.endswith(".example")]
    wrong = [(host, wanted) for host, wanted in found if _ascii(organisational_domain(host)) != _ascii(wanted)]
    assert len(found) > 60
    assert wrong == []


def _ascii(name: str | None) -> str | None:
    return name.encode("idna").decode() if name else None


def test_every_process_reads_the_list_that_the_environment_names(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("only.example\n")
    assert Popularity.from_environment({"LANDFALL_POPULAR_FILE": str(own)}).domains == {"only.example"}
    assert Popularity.from_environment({}).domains == Popularity.load().domains


@given(names)
def test_any_text_has_at_most_one_organisational_domain_and_it_is_its_own(host: str) -> None:
    organisation = organisational_domain(host)
    if organisation is not None:
        assert organisational_domain(organisation) == organisation


@given(names)
def test_parents_lead_from_the_host_to_its_organisation_and_no_further(host: str) -> None:
    found = list(parent_domains(host))
    organisation = organisational_domain(host)
    assert found[0] == host.rstrip(".")
    assert len(set(found)) == len(found)
    if organisation is not None and host == host.lower().rstrip("."):
        assert found[-1] == organisation
        assert all(organisational_domain(name) == organisation for name in found)


def test_parents_of_a_deep_host_are_walked() -> None:
    assert list(parent_domains("a.b.example.co.uk")) == ["a.b.example.co.uk", "b.example.co.uk", "example.co.uk"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("[::1]", "::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("1.2.3", None),
        ("host1", None),
        ("", None),
        ("[", None),
    ],
)
def test_addresses_have_one_spelling(text: str, address: str | None) -> None:
    assert ip_literal(text) == address


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("popular.com", True),
        ("deep.www.popular.com", True),
        ("unpopular.com", False),
        ("page.github.io", True),
        ("other.github.io", False),
        ("192.0.2.7", False),
        ("localhost", False),
    ],
)
def test_popularity_covers_a_listed_domain_and_everything_below_it(host: str, covered: bool) -> None:
    assert LISTED.covers(host) is covered


def test_the_shipped_list_names_its_date_and_source_and_holds_what_everybody_uses() -> None:
    shipped = Popularity.load()
    assert len(shipped.domains) > 9_000
    assert shipped.as_of[:3] == "202"
    assert "Tranco" in shipped.source
    assert all(shipped.covers(host) for host in ("www.google.com", "outlook.office365.com", "github.com"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_list_may_be_json_or_text_packed_or_not(tmp_path: Path, packed: bool) -> None:
    document = json.dumps({"name": "mine", "version": 7, "list": ["A.com.", " b.com "]})
    for text, source, as_of in ((document, "mine", "7"), ("# mine\nA.com. # why\n\nb.com\n", "list", "unknown")):
        path = tmp_path / "list"
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
        assert Popularity.load(path) == Popularity(frozenset({"a.com", "b.com"}), source, as_of)


@pytest.mark.parametrize("text", ["", "# nothing\n", '{"list": []}', "{}"])
def test_an_empty_list_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.txt").write_text(text)
    with pytest.raises(ValueError, match=r"empty\.txt holds no domain"):
        Popularity.load(tmp_path / "empty.txt")
