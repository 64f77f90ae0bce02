"""Posts of the WordPress REST API, `/wp-json/wp/v2/posts`."""

from __future__ import annotations

import re
from typing import Any

from aggregator.models import ArticleLink, ChannelPage
from crawler.channels.errors import ChannelError
from crawler.channels.jsons import load_json
from crawler.channels.links import LIMITS, MAX_LINKS, resolve, to_plain

LEAST_CONTENT = 200  # characters: what is shorter was built by a page builder that the API does not run

_ENTRANCE = re.compile(r"(?:(?<=/)feed/?)?(?:\?.*)?$|(?<=/)wp-json/.*$", re.DOTALL)


def find_root(url: str) -> str:
    """The site's root with a slash at its end, also where the channel's address is an entrance below it."""
    root = _ENTRANCE.sub("", url.partition("#")[0], count=1)
    return root if root.endswith("/") else f"{root}/"


def parse_posts(body: bytes, url: str) -> ChannelPage:
    """The posts of an answer, or of a single post. Raises ChannelError, for the API's own error objects too."""
    answer = load_json(body)
    if isinstance(answer, dict) and "code" in answer and "link" not in answer:
        raise ChannelError(f"WordPress says {answer['code']}"[:200])
    posts = [answer] if isinstance(answer, dict) else answer
    if not isinstance(posts, list):
        raise ChannelError("JSON that holds no posts")
    read = [_read_post(post, url) for post in posts[:MAX_LINKS] if isinstance(post, dict)]
    links = tuple(link for link in read if link.url)
    if posts and not links:
        raise ChannelError("JSON that holds no posts")
    return ChannelPage(links=links)


def _read_post(post: dict[str, Any], url: str) -> ArticleLink:
    content = _text(post, "content", "rendered")
    return ArticleLink(
        url=resolve(_text(post, "link"), url),
        title=to_plain(_text(post, "title", "rendered"), LIMITS["title"]),
        published_raw=_read_date(post, "date"),
        modified_raw=_read_date(post, "modified"),
        author=to_plain(_read_author(post), LIMITS["author"]),
        summary=_text(post, "excerpt", "rendered")[: LIMITS["summary"]],
        content_html=content[: LIMITS["content"]] if len(to_plain(content, 1_000)) >= LEAST_CONTENT else "",
        guid=_text(post, "guid", "rendered")[:500],
        image=resolve(_text(post, "jetpack_featured_media_url") or _read_yoast_image(post), url),
    )


def _read_date(post: dict[str, Any], name: str) -> str:
    """The UTC field with its zone said, since it is written without one; else the local field as it is."""
    utc = _text(post, f"{name}_gmt")[:40]
    if utc and not utc.startswith(("0000", "-")):
        return utc if utc.endswith("Z") else f"{utc}Z"
    return _text(post, name)[:40]


def _read_author(post: dict[str, Any]) -> str:
    """The embedded author, which is an error object where the site hides its users; else what the Yoast plugin says."""
    return _text(_first(post, "_embedded", "author"), "name") or _text(post, "yoast_head_json", "author")


def _read_yoast_image(post: dict[str, Any]) -> str:
    return _text(_first(post, "yoast_head_json", "og_image"), "url")


def _first(value: Any, *keys: str) -> Any:
    """The first item of the list under these keys, or None."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value[0] if isinstance(value, list) and value else None


def _text(value: Any, *keys: str) -> str:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
