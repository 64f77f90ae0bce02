"""What the API answers: articles and pieces of news. The schemas of the OpenAPI document are made from these."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

# As the database has them: RFC 3339 in UTC.
Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
Address = Annotated[str, WithJsonSchema({"type": "string", "format": "uri"})]
OwnAddress = Annotated[str, WithJsonSchema({"type": "string", "format": "uri-reference"})]
Number = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Next = Annotated[OwnAddress | None, Field(description="address of the next page; null on the last one")]
Share = Annotated[float, Field(ge=0, le=1)]

Precision = Literal["second", "minute", "day", "none"]
PlaceKind = Literal["city", "province"]


class Model(BaseModel):
    """Exactly these members, all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(Model):
    """A city or province."""

    kind: PlaceKind
    slug: str
    code: str = Field(description="Kemendagri's code")
    name: str


class SourceName(Model):
    """A source, as articles name it."""

    id: str
    name: str
    kind: str = Field(description="regional, national, city-government …: labels of kind source-kind")


class NewsName(Model):
    """A piece of news, as others name it."""

    id: Number
    guid: str = Field(description="as in the feeds, for life")


class Article(Model):
    """One page of one source, copies of other pages included."""

    id: Number
    url: Address | None = Field(description="null: it cannot be linked safely")
    title: str
    author: str = Field(description='names, separated by ", "; "" where none is known')
    source: SourceName
    published_at: Instant = Field(description="UTC; first_seen_at where the page gives no date")
    published_offset_minutes: int = Field(description="minutes east of UTC, as the source wrote it")
    published_precision: Precision = Field(
        description="how far the date counts; day: midnight stands in; none: first_seen_at stands in"
    )
    first_seen_at: Instant = Field(description="when we found it")
    revised_at: Instant | None = Field(description="when we last found its title or text changed")
    gone_at: Instant | None = Field(description="when its portal was found to have deleted it")
    is_backfilled: bool = Field(description="found by a backfill of an archive, not in the course of things")
    language: str = Field(description="ISO 639")
    excerpt: str = Field(description="the beginning of its text, 300 characters at most")
    image: Address | None = Field(description="address of a picture; pictures are never copied")
    tags: list[str] = Field(description="the portal's own")
    topics: list[str] = Field(description="the surest first")
    places: list[Place] = Field(description="where it happened: cities, then provinces")
    news_id: Number | None = Field(description="the piece of news that it carries, one for all copies of a text")
    is_canonical: bool = Field(description="its piece of news is shown through it")


class News(Model):
    """One piece of news: the same text at one or several sources."""

    id: Number
    guid: str = Field(description="as in the feeds, for life")
    story_id: Number | None = Field(description="the event that it tells of; null before it was looked at")
    first_published_at: Instant = Field(description="when it entered our feeds: the order of lists")
    updated_at: Instant
    is_archived: bool = Field(description="too old when it was found to enter the main feed")
    articles: Count = Field(description="articles that carry it, the canonical one included")
    article: Article = Field(description="the canonical article: the first, as far as is known")


class GoneArticle(Model):
    """An article that is here no more: copies of it have to go."""

    id: Number
    gone: Literal[True]


class GoneNews(Model):
    """A piece of news that was withdrawn, or is the same as another by now: copies of it have to go."""

    id: Number
    guid: str
    gone: Literal[True]
    merged_into: NewsName | None = Field(description="the one that it is part of by now")


class ArticlePage(Model):
    items: list[Article | GoneArticle] = Field(description="tombstones only with changed_since")
    next: Next
    changed_since: str | None = Field(description="what to ask for next time; null without changed_since")


class Highlight(Model):
    """Where the words of a search stand."""

    title: str = Field(description="HTML, escaped, the words within <mark>")
    text: str = Field(description="the same of the passage that has most of them")


class FoundNews(News):
    """A piece of news that answers a search."""

    highlight: Highlight | None = Field(description="null unless asked for")


class NewsPage(Model):
    items: list[FoundNews | GoneNews] = Field(description="tombstones only with changed_since")
    next: Next
    changed_since: str | None = Field(description="what to ask for next time; null without changed_since")


class Origin(Model):
    """The article that a copy was most likely taken from, and how alike the two are."""

    article_id: Number
    source_id: str
    rule: str = Field(description="by which they were found to be the same text")
    score: Share = Field(description="3-word shingles in common, as a share of the shorter text's")
    kept: Share = Field(description="share of the original that the copy has, too")
    added: Share = Field(description="share of the copy that the original does not have")
    has_its_title: bool
    minutes_later: int = Field(description="than the original, by the times on the pages")
    is_order_sure: bool = Field(description="both pages give an hour")


class Copy(Model):
    """An article that carries a piece of news."""

    article_id: Number
    source: SourceName
    title: str
    url: Address | None
    published_at: Instant
    published_offset_minutes: int
    published_precision: Precision
    first_seen_at: Instant
    gone_at: Instant | None


class TracedCopy(Copy):
    """The same, with where it was most likely taken from."""

    origin: Origin | None = Field(description="null of the canonical article, and where nothing before it is like it")


class NewsDetail(News):
    """A piece of news with who carries it."""

    carried_by: list[TracedCopy] = Field(description="the canonical article, then the others by publication")
    full_text: str | None = Field(description="null unless the source allows that its texts are passed on")


class Evidence(Model):
    """Words that speak for a topic or place, or against it."""

    term: str
    place: str = Field(description="title, lead, body …")
    offset: int = Field(description="characters from the start of that place")
    weight: float


class TopicEvidence(Model):
    """Why an article has a topic."""

    topic: str
    score: float
    table_version: str = Field(description='of the table of topics; "" where it was not kept')
    evidence: list[Evidence]


class RegionEvidence(Model):
    """Why an article has a place."""

    place: Place
    role: Literal["event", "participant", "mention"]
    score: float
    evidence: list[Evidence]


class FieldProvenance(Model):
    """Which way a field was found."""

    field: Literal["title", "author", "published", "body", "page"]
    value: str
    method: str = Field(description='"" where it was not kept')
    detail: str
    raw: str = Field(description="as it was written, where that is something else")


class Edit(Model):
    """A change, with the words around it."""

    before: str
    removed: str
    added: str
    after: str


class Revision(Model):
    """What a portal changed in an article after we had read it."""

    found_at: Instant
    title_before: str
    title_after: str
    paragraphs_removed: Count
    paragraphs_added: Count
    edits: list[Edit] = Field(description="the first of them: no more than may be quoted")


class ArticleDetail(Article):
    """An article with how all of it is known."""

    modified_at: Instant | None = Field(description="when the page says that it was changed")
    news: NewsName | None
    story_id: Number | None
    origin: Origin | None = Field(description="what it was most likely copied from")
    full_text: str | None = Field(description="null unless the source allows that its texts are passed on")
    text_dropped_at: Instant | None = Field(description="when we let go of its full text")
    provenance: list[FieldProvenance]
    topic_evidence: list[TopicEvidence]
    regions: list[RegionEvidence]
    revisions: list[Revision] = Field(description="the newest first")


class Problem(BaseModel):
    """Why there is no answer (RFC 9457)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: OwnAddress
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    parameter: str | None = Field(default=None, description="that is to blame")
    suggestions: list[str] | None = Field(default=None, description="what was most likely meant")
