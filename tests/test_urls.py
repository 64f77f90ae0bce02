"""One address to keep for each article, one key for all of its addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.urls import MAX_URL_LENGTH, canonicalize, get_host, get_registrable_domain, is_same_site, make_url_key

ARTICLE = "https://kabar.example/berita/wali-kota-buka-pameran"

SAME = [
    f"{ARTICLE}/",
    f"{ARTICLE}#komentar",
    f"{ARTICLE}?utm_source=wa&utm_medium=share",
    f"{ARTICLE}?fbclid=abc",
    f"{ARTICLE}?ref=beranda&m=1",
    f"{ARTICLE}?page=2",
    f"{ARTICLE}?page=all",
    f"{ARTICLE}?showpage=all",
    f"{ARTICLE}?view=all",
    f"{ARTICLE}?single=1",
    f"{ARTICLE}?hal=2",
    f"{ARTICLE}/2",
    f"{ARTICLE}/all",
    f"{ARTICLE}/page/3/",
    f"{ARTICLE}/amp",
    f"{ARTICLE}/amp/",
    f"{ARTICLE}?amp=1",
    f"{ARTICLE}?amp",
    "https://kabar.example/amp/berita/wali-kota-buka-pameran",
    "https://amp.kabar.example/berita/wali-kota-buka-pameran",
    "https://m.kabar.example/berita/wali-kota-buka-pameran",
    "https://www.kabar.example/berita/wali-kota-buka-pameran",
    "http://kabar.example:80/berita//wali-kota-buka-pameran",
    "https://KABAR.EXAMPLE./berita/wali%2Dkota-buka-pameran",
    f"  {ARTICLE}  ",
]

DIFFERENT = [
    ("https://kabar.example/berita/12345", "https://kabar.example/berita/12346"),
    ("https://kabar.example/berita/5", "https://kabar.example/berita/6"),
    ("https://kabar.example/?p=123", "https://kabar.example/?p=124"),
    ("https://kabar.example/lihat?single=12", "https://kabar.example/lihat?single=13"),
    ("https://kabar.example/berita/all", "https://kabar.example/berita"),
    ("https://kabar.example/baca?id=1&page=berita", "https://kabar.example/baca?id=2&page=berita"),
    ("https://kabar.example/index.php?page=berita", "https://kabar.example/index.php?page=agenda"),
    ("https://kabar.example/lihat?m=201", "https://kabar.example/lihat?m=202"),
    ("https://kabar.example/2023/02/24", "https://kabar.example/2023/02/25"),
    ("https://kabar.example:8443/a", "https://kabar.example/a"),
    ("https://satu.kabar.example/a", "https://dua.kabar.example/a"),
    ("https://kabar.example/a%2Fb", "https://kabar.example/a/b"),
    ("https://m.example/a", "https://www.example/b"),
]

REFUSED = [
    "",
    "/berita/1",
    "//kabar.example/a",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "ftp://kabar.example/a",
    "https://",
    "https://pengguna:sandi@kabar.example/a",
    "https://kabar.example\\@jahat.example/",
    "https://kabar.example/\x00",
    "https://kabar.example/\r\nHost: lain",
    "https://kabar.example:99999/",
    "https://[::1/",
    f"https://kabar.example/{'a' * MAX_URL_LENGTH}",
]


@pytest.mark.parametrize("url", SAME)
def test_addresses_of_one_article_share_a_key(url: str) -> None:
    assert make_url_key(url) == make_url_key(ARTICLE)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_addresses_of_different_articles_do_not(one: str, other: str) -> None:
    assert make_url_key(one) != make_url_key(other)


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_no_address_of_an_article_has_none(url: str) -> None:
    assert canonicalize(url) == ""
    assert make_url_key(url) == ""


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://www.kabar.example/a/?utm_source=x#b", "https://www.kabar.example/a/"),
        ("http://m.kabar.example/a", "http://m.kabar.example/a"),
        ("https://amp.kabar.example/a", "https://kabar.example/a"),
        ("https://kabar.example/%7eadi/kota-%c3%a9", "https://kabar.example/~adi/kota-%C3%A9"),
        ("https://kabar.example/kota-é", "https://kabar.example/kota-%C3%A9"),
        ("https://kótá.example/a b", "https://xn--kt-nia4e.example/a%20b"),
        ("https://kabar.example", "https://kabar.example/"),
        ("https://kabar.example/a?z=1&b=2&b=1", "https://kabar.example/a?b=1&b=2&z=1"),
    ],
)
def test_kept_address_is_one_that_works(url: str, kept: str) -> None:
    assert canonicalize(url) == kept


def test_relative_addresses_need_a_base() -> None:
    assert canonicalize("../b?utm_source=x", base="https://kabar.example/a/c") == "https://kabar.example/b"


URLS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["https://kabar.example/", "http://www.kabar.example:8080/x/", "https://m.kabar.example/amp/"]),
        st.text(max_size=30),
        st.sampled_from(["", "?page=2", "?a=%41&utm_source=x", "/amp/", "/2", "#x", "?q=%zz&q"]),
    ),
)


@given(st.one_of(URLS, st.text()))
def test_canonicalizing_twice_changes_nothing(url: str) -> None:
    once = canonicalize(url)
    assert canonicalize(once) == once
    assert make_url_key(once) == make_url_key(url)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("kaltim.tribunnews.com", "tribunnews.com"),
        ("tribunnews.com:443", "tribunnews.com"),
        ("www.gorontalokota.go.id", "gorontalokota.go.id"),
        ("kominfo.gorontalokota.go.id", "gorontalokota.go.id"),
        ("127.1.0.1:8900", "127.1.0.1"),
        ("[::1]:80", "::1"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_registrable_domain(host: str, domain: str) -> None:
    assert get_registrable_domain(host) == domain


def test_sites_are_told_apart_by_registrable_domain() -> None:
    assert is_same_site("https://m.kabar.co.id/a", "https://www.kabar.co.id/b")
    assert not is_same_site("https://kabar.co.id/a", "https://lain.co.id/a")
    assert not is_same_site("", "")


@pytest.mark.parametrize(("url", "host"), [("https://A.Example:8/x", "a.example"), ("https://[", ""), ("x", "")])
def test_host(url: str, host: str) -> None:
    assert get_host(url) == host
