"""Pages and fragments into articles. PURE: bytes, text and a clock in, data out; neither Scrapy nor the store.

article      the whole way of a page          fragments     full text that a channel carries
decoding ─▶ outline ─▶ prose ─▶ containers ─▶ paragraphs   (body: the text, with a second opinion)
metadata, jsonld ─▶ titles, authors, publication
listings, refusals   what is no article       furniture     furniture.toml, what is not its text
profiles     themes.toml                      explanation   what each way found, and which won
"""

from __future__ import annotations

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
