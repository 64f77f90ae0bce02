"""Pages and fragments into articles. PURE: bytes, text and a clock in, data out; neither Scrapy nor the store.

article      the whole way of a page          fragments   full text that a channel carries
decoding ─▶ outline ─▶ prose ─▶ containers ─▶ paragraphs   (body: the text, with a second opinion)
metadata, jsonld ─▶ titles, authors, publication
profiles     themes.toml                      furniture   furniture.toml, what is not the article
"""

from __future__ import annotations

from crawler.extraction.article import extract_article
from crawler.extraction.fragments import clean_fragment, link_to_article
from crawler.extraction.profiles import Profile, ProfileError, load_profiles, load_themes

__all__ = [
    "Profile",
    "ProfileError",
    "clean_fragment",
    "extract_article",
    "link_to_article",
    "load_profiles",
    "load_themes",
]
