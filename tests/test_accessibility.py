"""Every page of the demo for everybody: WCAG 2.2 AA by axe-core, and the basics of a page that is found and read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import httpx
import pytest
from browser_room import DESK, PAGES, PHONE, Demo, Visitor, visit
from page_rules import find_page_faults
from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = ["color-contrast", "target-size", "link-in-text-block"]  # what another look of the same page can change
TABS_MOST = 60


@pytest.fixture(scope="module")
def reader(browser: Browser, demo_site: Demo) -> Iterator[Visitor]:
    with visit(browser, demo_site) as reader:
        reader.context.add_init_script(AXE)
        yield reader


def list_violations(reader: Visitor, rules: list[str]) -> list[str]:
    """What axe-core finds on the page as it is shown now; `rules`: by their names or tags."""
    found: dict[str, Any] = reader.page.evaluate(
        "rules => axe.run({runOnly: rules, resultTypes: ['violations']})", rules
    )
    return [
        f"{each['id']} ({each['impact']}) {node['target']}: {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"][:3]
    ]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(reader: Visitor, name: str) -> None:
    for language, width, scheme, rules in (
        ("en", PHONE, "light", ALL),
        ("id", PHONE, "light", ALL),
        ("id", PHONE, "dark", LOOK),
        ("id", DESK, "dark", ALL),
        ("id", DESK, "light", LOOK),
    ):
        if reader.page.url != reader.address + reader.demo.locate(name, language):
            reader.open_page(name, language)
        reader.page.set_viewport_size(width)
        reader.page.emulate_media(color_scheme=scheme)
        assert list_violations(reader, rules) == [], (language, width, scheme)


def test_axe_is_awake(reader: Visitor) -> None:
    """It finds what is planted."""
    reader.open_page("front")
    reader.page.evaluate("document.querySelector('main').innerHTML = '<img src=\"/static/icon.svg\"><h4>Hai</h4>'")
    found = list_violations(reader, ALL)
    assert {each.partition(" ")[0] for each in found} >= {"image-alt", "page-has-heading-one"}


@pytest.mark.parametrize("name", PAGES)
def test_focus_is_seen_wherever_the_tab_key_leads(reader: Visitor, name: str) -> None:
    reader.page.set_viewport_size(PHONE)
    reader.open_page(name)
    for turn in range(TABS_MOST):
        reader.page.keyboard.press("Tab")
        found = reader.page.evaluate(_READ_FOCUS)
        if found is None:  # past the end
            assert turn > 5
            break
        assert found["outline"] > 0, found
        assert found["isInside"], found


# Of what has the focus: how wide its outline is (in pictures: whether what it draws looks other than without), and
# whether it is in the window.
_READ_FOCUS = """() => {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return null;
  const style = getComputedStyle(focused), box = focused.getBoundingClientRect();
  let outline = style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth);
  if (!outline && focused instanceof SVGElement) {
    const look = () => [...focused.children].map(each => {
      const { stroke, strokeWidth, fill } = getComputedStyle(each);
      return [stroke, strokeWidth, fill].join();
    }).join();
    const before = look();
    focused.blur();
    outline = before === look() ? 0 : 1;
    focused.focus();
  }
  return {
    outline,
    isInside: box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight,
    what: focused.outerHTML.slice(0, 120),
  };
}"""


def test_pages_keep_the_rules_in_both_languages(demo_site: Demo) -> None:
    titles: dict[str, str] = {}
    with httpx.Client(base_url=demo_site.address, trust_env=False, timeout=60) as client:
        for name in PAGES:
            for language in ("id", "en"):
                answer = client.get(demo_site.locate(name, language))
                assert find_page_faults(answer.text) == [], (name, language)
                assert f'<html lang="{language}">' in answer.text
                title = answer.text.partition("<title>")[2].partition("</title>")[0]
                assert titles.setdefault(title, name) == name, title
