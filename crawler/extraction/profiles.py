"""Profiles: where a site or theme keeps the article, as data (themes.toml; an operator's table has the same form).

A profile only helps the general way along: a container without text in it is passed over, what a selector does not
find is looked for as on any page.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from cssselect import SelectorError
from lxml import etree
from lxml.cssselect import CSSSelector

from crawler.extraction.index import ElementIndex


class ProfileError(ValueError):
    """A table of profiles that cannot be used; the message names the profile and the key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """CSS selectors of one site or theme. `signs` are class names by which a theme is recognised on any host."""

    name: str
    hosts: tuple[str, ...] = ()  # "detik.com" stands for its subdomains, too
    signs: tuple[str, ...] = ()  # all of them are on the page
    container: tuple[str, ...] = ()  # the first with text in it counts
    drop: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    date: tuple[str, ...] = ()


# libxml2 merges what nested elements hold by search: on a page of 100,000 elements a selector may take minutes.
MAX_SELECTED_FROM = 15_000
_CLASS = re.compile(r"\.[A-Za-z_][\w-]*")  # the usual selector, which needs no walk over the tree
_LIST_KEYS = tuple(field.name for field in fields(Profile) if field.name != "name")


def load_profiles(overlay: Path | None = None) -> Mapping[str, Profile]:
    """Profiles by name: the operator's (`overlay`, a TOML file) first, then the built-in ones that it does not replace.

    They are kept, and the file is read again when it has changed. Raises ProfileError.
    """
    if overlay is None:
        return _load_built_in()
    try:
        status = overlay.stat()
    except OSError as error:
        raise ProfileError(f"{overlay}: {error.strerror or error}") from error
    return _load_overlay(overlay, status.st_mtime_ns, status.st_size)


def read_profiles(table: Mapping[str, object]) -> dict[str, Profile]:
    """Profiles from tables named after them: `[newkarma]`, then keys of Profile with lists of strings."""
    return {name: _read_profile(name, entry) for name, entry in table.items()}


def choose_profile(index: ElementIndex, url: str, profiles: Iterable[Profile] | None = None) -> Profile | None:
    """The profile of the page's host, else the first theme whose signs are all on the page."""
    known = tuple(load_profiles().values() if profiles is None else profiles)
    host = _read_host(url)
    for profile in known:
        if any(host == name or host.endswith("." + name) for name in profile.hosts):
            return profile
    classes = index.list_names()
    return next((profile for profile in known if profile.signs and classes.issuperset(profile.signs)), None)


@cache
def _load_built_in() -> Mapping[str, Profile]:
    table = resources.files(__package__).joinpath("themes.toml").read_text(encoding="utf-8")
    return MappingProxyType(read_profiles(tomllib.loads(table)))


@lru_cache(maxsize=4)
def _load_overlay(path: Path, _mtime_ns: int, _size: int) -> Mapping[str, Profile]:
    try:
        own = read_profiles(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:  # not UTF-8, not TOML, not a profile
        raise ProfileError(f"{path}: {error}") from error
    return MappingProxyType({**own, **{name: profile for name, profile in _load_built_in().items() if name not in own}})


def select_elements(root: etree._Element, index: ElementIndex, selectors: Iterable[str]) -> Iterator[etree._Element]:
    """The elements that match, selector by selector."""
    for selector in selectors:
        if _CLASS.fullmatch(selector):
            yield from index.select_class(selector[1:])
        elif index.size <= MAX_SELECTED_FROM:
            yield from _compile(selector)(root)


def _read_host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # an unclosed bracket
        return ""


@lru_cache(maxsize=2_000)
def _compile(selector: str) -> CSSSelector:
    return CSSSelector(selector, translator="html")


def _read_profile(name: str, entry: object) -> Profile:
    if not isinstance(entry, Mapping):
        raise ProfileError(f"profile {name!r}: a table is expected")
    if unknown := set(entry) - set(_LIST_KEYS):
        raise ProfileError(f"profile {name!r}: unknown key {min(unknown)!r}")
    return Profile(name=name, **{key: _read_list(name, key, entry[key]) for key in _LIST_KEYS if key in entry})


def _read_list(name: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ProfileError(f"profile {name!r}: {key!r} is a list of strings")
    if key not in ("hosts", "signs"):
        for selector in value:
            try:
                _compile(selector)
            except SelectorError as error:
                raise ProfileError(f"profile {name!r}: {key!r} holds {selector!r}: {error}") from error
    return tuple(value)
