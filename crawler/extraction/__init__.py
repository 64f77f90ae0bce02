"""Pages and fragments into articles. PURE: bytes, text and a clock in, data out; neither Scrapy nor the store.

article      the whole way of a page          fragments     full text that a channel carries
decoding ─▶ outline ─▶ prose ─▶ containers ─▶ paragraphs   (body: the text, with a second opinion)
metadata, jsonld ─▶ titles, authors, publication
listings, refusals   what is no article       furniture     furniture.toml, what is not its text
profiles     themes.toml                      explanation   what each way found, and which won
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crawler.extraction.article import extract_article, extract_page
    from crawler.extraction.explanation import Finding, explain_page
    from crawler.extraction.fragments import clean_fragment, link_to_article
    from crawler.extraction.page import Page, read_page
    from crawler.extraction.profiles import Profile, ProfileError, load_profiles

__all__ = [
    "Finding",
    "Page",
    "Profile",
    "ProfileError",
    "clean_fragment",
    "explain_page",
    "extract_article",
    "extract_page",
    "link_to_article",
    "load_profiles",
    "read_page",
]

_MODULES = ("article", "explanation", "fragments", "page", "profiles")  # that have these names


def __getattr__(name: str) -> Any:
    """Who asks the package for one of them loads all of these modules; who imports a module of it, that one."""
    if name in __all__:
        modules = [vars(import_module(f"{__name__}.{module}")) for module in _MODULES]
        return next(module[name] for module in modules if name in module)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
