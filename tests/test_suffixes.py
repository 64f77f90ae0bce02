"""What is looked up in the list of public suffixes here is what tldextract, whose list it is, would say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tldextract
from hypothesis import given
from hypothesis import strategies as st

from aggregator import suffixes
from aggregator.suffixes import LENDERS, find_top_domain
from aggregator.urls import get_host
from crawler.catalogue import load_catalogue

LIBRARY = {
    False: tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None),
    True: tldextract.TLDExtract(
        suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True, extra_suffixes=LENDERS
    ),
}
ODD = [
    *("", ".", "..", "id", "go.id", ".go.id", "go.id.", "a..go.id", "-.id", "_dmarc.kabar.id", "a-.b_.co.id"),
    *("localhost", "portal.lokal", "a.b.portal.lokal", "127.0.0.1", "1.2.3", "256.1.1.1", "1.2.3.4.5", "[::1]", "::1"),
    *("ck", "www.ck", "a.www.ck", "b.ck", "a.b.ck", "kobe.jp", "city.kobe.jp", "a.city.kobe.jp", "x.kobe.jp"),
    *("*.ck", "!www.ck", "a.*.ck", "wordpress.com", "kota.wordpress.com", "www.kota.wordpress.com", "blogspot.com"),
    *("kabar.blogspot.com", "a.github.io", "github.io", "s3.ap-southeast-3.amazonaws.com", "amazonaws.com"),
    *(
        "xn--",
        "xn--a.id",
        "xn--p1ai",
        "kota.xn--p1ai",
        "kota.рф",
        "公司.cn",
        "a.xn--55qx5d.cn",
        "kabar。go。id",
        "ａ.id",
    ),
    *("ａ.id", "KABAR.go.id", "kabar.GO.ID", "kabar .id", "a@b.id", "a:80", "a/b.id", "a?b.id", "a#b.id"),
    *("//a.id", "é.go.id"),
    f"{'a' * 300}.id",
    "a." * 200 + "id",
]


def list_rules() -> Iterator[str]:
    for rules in suffixes._read_rules().values():
        yield from (rule for rule, _ in rules)


def list_around(name: str) -> list[str]:
    """Names at, below and beside a public suffix."""
    upper = name.partition(".")[2]
    return [name, upper, f"kabar.{name}", f"www.kabar.{name}", f"x{name}", f"kabar.x{name}", f"kabar.lain.{upper}"]


def check(host: str) -> None:
    for with_lenders, library in LIBRARY.items():
        said = library(host).top_domain_under_public_suffix
        assert find_top_domain(host, with_lenders=with_lenders) == said, (host, with_lenders)


@pytest.mark.slow
def test_all_names_of_the_catalogue_are_split_as_by_the_library() -> None:
    sources = load_catalogue().sources
    hosts = {
        host for source in sources for url in (channel.url for channel in source.channels) if (host := get_host(url))
    }
    hosts |= {source.domain for source in sources}
    assert len(hosts) > 500
    for host in sorted(hosts):
        check(host)


def test_every_rule_of_the_list_is_read_as_by_the_library() -> None:
    rules = list(list_rules())
    assert len(rules) > 9_000
    for rule in rules:
        for host in list_around(rule.removeprefix("!").replace("*", "bintang")):
            check(host)


@pytest.mark.parametrize("host", ODD)
def test_odd_names_are_split_as_by_the_library(host: str) -> None:
    check(host)


@given(
    st.lists(st.sampled_from(["id", "go", "com", "jp", "kobe", "city", "ck", "www", "xn--p1ai", "a", ""]), max_size=6)
)
def test_names_of_any_labels_are_split_as_by_the_library(labels: list[str]) -> None:
    check(".".join(labels))


def test_a_library_that_keeps_its_list_elsewhere_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suffixes, "find_spec", lambda name: None)
    suffixes._read_rules.cache_clear()
    try:
        assert suffixes._read_rules() == {}
        for host in ("kominfo.gorontalokota.go.id", "kota.wordpress.com", "localhost", ""):
            check(host)
    finally:
        suffixes._read_rules.cache_clear()
