"""Addresses: one form to keep, one key to recognise. PURE.

An article is reached under many addresses: with tracking parameters, as AMP, on `m.` or `www.`, on its second page.
`canonicalize` gives the address that is kept and shown, and always works; `make_url_key` folds further what may not
matter (scheme, www., trailing slash), since a key is only compared.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from functools import lru_cache
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from aggregator.suffixes import find_top_domain

MAX_PARAMETERS = 100
MAX_STRIPS = 20
MAX_URL_LENGTH = 2000  # longer ones are generated, not written; browsers and servers cut there too

# parameters that say how a reader came, not what is read
_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|igshid|igsh|mc_[ce]id|yclid|msclkid|twclid|_ga|_gl|wt_mc|ref_src|referrer|amp_\w+"
    r"|outputtype|nocache|fb_comment_id|replytocom|tbclid|ved|usg|phpsessid|jsessionid|aspsessionid\w*",
    re.IGNORECASE,
)
# the same, unless the value is a number: then it may be what is read
_MAYBE_TRACKING = re.compile(r"ref|source|from|shared?|amp|m|mobile", re.IGNORECASE)
_PAGE_PARAMETER = re.compile(r"page|paged|halaman|hal|laman|pg|show|showpage", re.IGNORECASE)
_PAGE_VALUE = re.compile(r"\d{1,3}|all|semua|", re.IGNORECASE)  # `?page=berita&id=5` says what is read
_ONE_PAGE = re.compile(r"(?:single|singlepage|showall)=1|view=all", re.IGNORECASE)  # all pages of an article on one
_AMP_TAIL = re.compile(r"/amp/?$|\.amp(?=\.html?$)|(?<=\.html)/amp/?$", re.IGNORECASE)
_AMP_HEAD = re.compile(r"/amp(?=/)", re.IGNORECASE)
_PAGE_TAIL = re.compile(r"(?<=/)((?:[^/-]+-){3}[^/]+)/(?:page/)?(?:[1-9]|1\d|all)/?$")  # behind a headline's slug only
_MAYBE_PAGE_TAIL = re.compile(r"/(?:\d\d?|all)/?$", re.IGNORECASE)
TAIL_LENGTH = 12  # characters, in which the ends above are found
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3
_MOBILE_LABELS = ("amp.", "m.", "mobile.", "wap.")
_BAD = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")
_WORD = re.compile(r"[^\W_]+")
LEAST_NUMBER = 5  # digits: years and days have fewer
_SAFE_IN_PATH = "/:@!$&'()*+,;=-._~%"


@lru_cache(maxsize=8192)  # an article's addresses are asked for again and again while it is written
def canonicalize(url: str, *, base: str = "") -> str:
    """The address under which an article is kept: absolute http(s), without tracking, AMP, fragment or page number.

    "" for what is no such address, or is hostile: another scheme, credentials, control characters, over 2,000 letters,
    over 100 parameters, AMP and page numbers stacked over 20 high.
    """
    parts = _split(url, base)
    if parts is None:
        return ""
    scheme, netloc, path, query = parts
    while netloc.startswith("amp.") and netloc.count(".") > 1:
        netloc = netloc.removeprefix("amp.")
    try:
        path = _ESCAPE.sub(_normalize_escape, quote(_strip_path(path), safe=_SAFE_IN_PATH))
        said = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return ""
    pairs = [pair for pair in said if not _is_beside_the_point(*pair)]
    canonical = urlunsplit((scheme, netloc, path, urlencode(sorted(pairs)), ""))
    return canonical if len(canonical) <= MAX_URL_LENGTH else ""


@lru_cache(maxsize=65536)
def make_url_key(url: str) -> str:
    """16 hex digits that the addresses of one article share; "" for what `canonicalize` refuses."""
    canonical = canonicalize(url)
    if not canonical:
        return ""
    parts = urlsplit(canonical)
    host = parts.netloc.removeprefix("www.")
    for label in _MOBILE_LABELS:
        if host.startswith(label) and host.count(".") > 1:
            host = host.removeprefix(label).removeprefix("www.")
    folded = f"{host}{parts.path.rstrip('/')}?{parts.query}"
    return hashlib.blake2b(folded.encode(), digest_size=8).hexdigest()


def get_host(url: str) -> str:
    """The host name in lower case, without port; "" where there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


@lru_cache(maxsize=65536)
def get_registrable_domain(host: str) -> str:
    """`kaltim.tribunnews.com:443` → `tribunnews.com`; an IP address or a single label is its own domain."""
    is_bare_ipv6 = host.count(":") > 1 and not host.startswith("[")  # as `get_host` gives it
    name = get_host(f"//[{host}]" if is_bare_ipv6 else f"//{host}").strip(".")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return find_top_domain(name) or name
    return name


@lru_cache(maxsize=65536)
def get_site(url: str) -> str:
    """The domain whose holder speaks at a URL: the registrable one, or the subdomain that a hoster has lent.

    "" for what `canonicalize` refuses.
    """
    host = get_host(canonicalize(url))
    domain = get_registrable_domain(host).removeprefix("www.")
    return find_top_domain(host, with_lenders=True) or domain if "." in domain else domain


def is_same_site(a: str, b: str) -> bool:
    """Whether two URLs are of one holder."""
    return get_site(a) == get_site(b) != ""


def is_front_page(url: str) -> bool:
    """Whether a URL is that of a whole site, which is no article's."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.path in ("", "/") and not parts.query


def is_likely_address(declared: str, own: str, title: str) -> bool:
    """Whether an article with this title, read at `own`, can have the address that it declares: both have a number or
    the last part of their paths in common, or the declared one is made of the title's words.

    The worse error is to believe a theme that names another article, which would lose one of the two; an article under
    two addresses is only told twice.
    """
    paths = [urlsplit(url).path.casefold().rstrip("/") for url in (own, declared)]
    ours, theirs = map(_WORD.findall, paths)
    last, declared_last = (path.rpartition("/")[2] for path in paths)
    if not ours or ours[-3:] == theirs[-3:] or last == declared_last:  # "/?p=12" says nothing
        return True
    if any(len(word) >= LEAST_NUMBER and word.isdigit() and word in ours for word in theirs):
        return True
    words = [word for word in _WORD.findall(title.casefold()) if len(word) > 2]
    return sum(word in theirs for word in words) * 2 >= len(words)


def _strip_path(path: str) -> str:
    """The path without AMP and page number; again and again, for stripping one may lay another bare. Raises ValueError
    when it takes too often."""
    path = re.sub(r"/{2,}", "/", path)
    for _ in range(MAX_STRIPS):
        stripped = path[:-TAIL_LENGTH] + _AMP_TAIL.sub(
            "", path[-TAIL_LENGTH:]
        )  # to search all of it is 20 times dearer
        if _AMP_HEAD.match(stripped):
            stripped = stripped[len("/amp") :]
        if _MAYBE_PAGE_TAIL.search(stripped[-TAIL_LENGTH:]):
            stripped = _PAGE_TAIL.sub(r"\1", stripped)
        stripped = stripped or "/"
        if stripped == path:
            return path
        path = stripped
    raise ValueError("AMP upon AMP")


def _is_beside_the_point(name: str, value: str) -> bool:
    """Whether a parameter does not change what is read."""
    return bool(
        _TRACKING.fullmatch(name)
        or (_MAYBE_TRACKING.fullmatch(name) and not (value.isdigit() and len(value) > 1))
        or (_PAGE_PARAMETER.fullmatch(name) and _PAGE_VALUE.fullmatch(value))
        or _ONE_PAGE.fullmatch(f"{name}={value}")
    )


def _normalize_escape(escape: re.Match[str]) -> str:
    """`%7e` → `~`, `%c3` → `%C3` (RFC 3986, 6.2.2)."""
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _split(url: str, base: str) -> tuple[str, str, str, str] | None:
    try:
        text = url.strip()
        if len(text) > MAX_URL_LENGTH or _BAD.search(text.replace(" ", "%20")):
            return None
        text = urljoin(base, text) if base else text
        parts = urlsplit(text.replace(" ", "%20"))
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    try:
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        return None
    host = f"[{host}]" if ":" in host else host.rstrip(".")
    if not _HOST.fullmatch(host):
        return None
    default = {"http": 80, "https": 443}[scheme]
    return scheme, host if port in (None, default) else f"{host}:{port}", parts.path, parts.query
