"""Characters that XML allows and that subscribers would still not want to see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.publish.characters import fit_line, fit_name, fit_text, fit_url

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "fitted"),
    [
        ("Kota – “cerdas” é 😀", "Kota – “cerdas” é 😀"),
        ("dua\ufffdbelas \U0001fffe\U0010ffff", "duabelas "),
        ("cafÃ© Â» ÃÂ¡ ÂÂ©", "café » á ©"),
        ("Â dan Ã sendiri", "Â dan Ã sendiri"),
    ],
    ids=["good text", "damage and noncharacters", "UTF-8 read as Latin-1", "capitals"],
)
def test_damage_is_repaired_or_dropped(text: str, fitted: str) -> None:
    assert fit_text(text) == fitted


@given(ANY_TEXT)
def test_what_is_fitted_stays(text: str) -> None:
    assert fit_text(fit_text(text)) == fit_text(text)
    assert fit_line(fit_line(text)) == fit_line(text)


def test_a_line_ends_no_tag_and_keeps_to_its_limit() -> None:
    assert fit_line(" satu\n dua </b>, 3</ 4 ") == "satu dua < /b>, 3< / 4"
    assert fit_line("satu dua tiga", 9) == "satu dua…"


def test_a_name_spreads_no_mail_address() -> None:
    assert fit_name("Rina <rina@portal.example>, Budi") == "Rina, Budi"
    assert fit_name("rina@portal.example") == "rina@portal.example"


@pytest.mark.parametrize(
    ("url", "fitted"),
    [
        ("https://a.example/a?b=1&c=%20#d", "https://a.example/a?b=1&c=%20#d"),
        ("https://[::1]:80/[x]?y[]=1", "https://[::1]:80/%5Bx%5D?y%5B%5D=1"),
        ("https://a.example/100%/%2/%2f", "https://a.example/100%25/%252/%2f"),
        ("https://a.example/#a#b#", "https://a.example/#a%23b%23"),
        ("https://a.example/é “x”", "https://a.example/%C3%A9%20%E2%80%9Cx%E2%80%9D"),
        ("https://a.example", "https://a.example"),
        ("javascript:alert(1)", ""),
    ],
)
def test_addresses_hold_what_rfc_2396_allows(url: str, fitted: str) -> None:
    assert fit_url(url) == fitted
