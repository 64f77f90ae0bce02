"""What an operator can set about gathering: limits, manners, and who we say we are."""

from __future__ import annotations

import os
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, IPvAnyNetwork

Seconds = Annotated[float, Field(ge=0)]
MEBIBYTE = 1024 * 1024


class CrawlSettings(BaseModel):
    """Section `[crawl]` of the configuration. The defaults are the limits of polite, safe monitoring."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contact: str = Field("", description="mail address or page that portals can turn to; part of the user agent")
    keep: Literal["topics", "all"] = Field("topics", description="`all` keeps every article, on topic or not")
    allow_networks: tuple[IPvAnyNetwork, ...] = Field(
        (), description="private networks that may be fetched from, for tests and the demo"
    )

    source_address: IPvAnyAddress | None = Field(
        None,
        description="address of this machine to ask from, where it has several; without it the system chooses. Hosts"
        " that have only addresses of the other family (IPv4, IPv6) are not reached",
    )

    # one source, one cycle
    max_requests: int = Field(50, ge=1, description="requests to one source in a cycle")
    max_new_items: int = Field(200, ge=1, description="new articles of one source in a cycle; the rest waits")
    max_rechecks: int = Field(
        5, ge=0, description="articles of one source that are read once more in a cycle, to see what became of them"
    )
    max_article_pages: int = Field(
        5, ge=1, description="pages of one article that are joined; of a longer one the rest is left out"
    )
    visit_seconds: Seconds = Field(
        120,
        description="that one source may take in a cycle, for others wait for its end; the rest waits",
    )
    deadline_seconds: Seconds = Field(600, description="after this a cycle starts no further request")

    probes_at_once: int = Field(
        2, ge=0, description="sources that nobody looked at yet, probed by `serve` each time; 0: none"
    )

    # one host
    delay_seconds: Seconds = Field(2, description="between two requests to one host name; Crawl-delay if longer")
    max_crawl_delay_seconds: Seconds = Field(60, description="a host that asks for more is asked once a cycle")
    requests_per_domain: int = Field(2, ge=1, description="at once, over all hosts of a registrable domain")
    obey_robots: bool = Field(True, description="robots.txt; switch off for your own servers only")

    # one request
    concurrency: int = Field(
        80, ge=1, description="requests at once, over all hosts; should 564 be silent, a cycle still ends in 4 minutes"
    )
    timeout_seconds: Seconds = 30
    max_redirects: int = Field(5, ge=0)
    max_body_bytes: int = Field(10 * MEBIBYTE, ge=1024, description="feeds, sitemaps, REST answers")
    max_page_bytes: int = Field(3 * MEBIBYTE, ge=1024, description="article pages")

    # one page in the parser
    parser_workers: int = Field(default_factory=lambda: min(4, os.cpu_count() or 1), ge=1)
    parse_cpu_seconds: int = Field(5, ge=1)
    parse_memory_bytes: int = Field(512 * MEBIBYTE, ge=64 * MEBIBYTE)

    @property
    def user_agent(self) -> str:
        """`KabarKota/0.1 (+contact)`: portals must be able to tell who reads them (RFC 9309, 2.2.1)."""
        about = f"; +{self.contact}" if self.contact else ""
        return f"KabarKota/0.1 (news monitor{about})"
