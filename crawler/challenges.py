"""Telling the page of a guard against robots from the page that was asked for. PURE.

Such pages come with any status, 200 included, and say "Just a moment..." in place of the article. Taken for the article
they would hide it for ever. The worse error is to take an article for a challenge, so only short pages whose whole
title is known, or which hold a guard's own machinery, count.
"""

from __future__ import annotations

import re

LARGEST_BYTES = 64 * 1024  # such a page is little more than a script
LARGEST_UNTITLED_BYTES = 16 * 1024  # guards' scripts ride on ordinary pages too, most of which are larger
_TITLE = re.compile(rb"<title[^>]{0,200}>\s{0,50}([^<]{1,200})", re.IGNORECASE)
_TITLES = re.compile(
    r"just a moment|attention required!? \| cloudflare|please wait(?:\.\.\. \| cloudflare)?|one moment,? please"
    r"|ddos-guard|checking your browser.{0,40}|access denied.{0,60}|sucuri website firewall.{0,40}"
    r"|robot challenge screen|human verification|(?:security|bot|robot) (?:check|verification)|verifying you are human"
    r"|are you (?:a )?human|tunggu sebentar|mohon tunggu|harap tunggu"
    r"|memeriksa (?:browser|peramban).{0,40}|verifikasi (?:keamanan|manusia|anda)",
    re.IGNORECASE,
)
_MACHINERY = re.compile(
    rb"cf[-_]chl[-_]|id=[\"']?challenge-(?:form|running|error)|_cf_chl_opt|/\.well-known/sgcaptcha|sucuri_cloudproxy_js"
    rb"|ddos-guard/js-challenge|slowAES\.decrypt|imunify360|/_Incapsula_Resource|px-captcha|awswaf\.com/",
    re.IGNORECASE,
)


def read_title(body: bytes) -> str:
    """The beginning of a page's title, without the marks around it; "" where there is none near its top."""
    title = _TITLE.search(body[:8192])
    return title[1].decode("utf-8", "replace").strip(" .!…\r\n\t") if title else ""


def is_challenge(body: bytes, cf_mitigated: bytes | None = None) -> bool:
    """Whether an HTML body is a guard's page. `cf_mitigated` is the header with which Cloudflare says so itself."""
    if cf_mitigated is not None and b"challenge" in cf_mitigated.lower():
        return True
    if len(body) > LARGEST_BYTES:
        return False
    if _TITLES.fullmatch(read_title(body)):
        return True
    return len(body) <= LARGEST_UNTITLED_BYTES and _MACHINERY.search(body) is not None
