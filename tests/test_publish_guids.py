"""Guids are tag URIs, whatever they are made of, and good ones never change."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from feed_rules import _TAG_URI
from hypothesis import given
from hypothesis import strategies as st

from aggregator.publish.guids import fit_guid, make_guid
from aggregator.urls import make_url_key

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def test_the_guid_of_an_article_is_what_the_database_gives_it() -> None:
    key = make_url_key("https://portal.example/berita/rapat-apeksi-[2026]?id=“5”")
    assert make_guid(key) == f"tag:kabarkota,2026:{key}"


@pytest.mark.parametrize(
    "guid",
    ["tag:kabarkota,2026:0123456789abcdef", "tag:kabarkota.example,2026-10-05:feed/city/kota-palu", "tag:a,2026:(b)"],
)
def test_good_guids_stay(guid: str) -> None:
    assert fit_guid(guid) == guid


@pytest.mark.parametrize("key", ["", "a b", "[x]", 'a"b', "é", "a%2fb", "a?b", "a#b", "\ud800", "x\n", "<>"])
def test_other_keys_give_good_guids_that_differ(key: str) -> None:
    guid = make_guid(key)
    assert _TAG_URI.fullmatch(guid)
    assert fit_guid(guid) == guid
    assert guid != make_guid(key + " ")


@given(ANY_TEXT, ANY_TEXT)
def test_any_two_keys_give_two_tag_uris_in_normal_form(one: str, other: str) -> None:
    guid = make_guid(one)
    assert _TAG_URI.fullmatch(guid)
    assert quote(unquote(guid), safe=":/@!$&'()*+,;=") == guid
    assert (make_guid(other) == guid) is (one == other)


@given(st.text())
def test_the_key_of_any_address_makes_a_guid_as_it_stands(url: str) -> None:
    if key := make_url_key(f"https://portal.example/{url}"):
        assert make_guid(key) == f"tag:kabarkota,2026:{key}"
