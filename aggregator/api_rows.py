"""What the API reads. A part of `Store`."""

from __future__ import annotations

from aggregator.article_walk_rows import ArticleWalkRows
from aggregator.change_rows import ChangeRows
from aggregator.counted_rows import CountedRows
from aggregator.detail_rows import DetailRows
from aggregator.news_walk_rows import NewsWalkRows
from aggregator.pickup_rows import PickupRows
from aggregator.source_entry_rows import SourceEntryRows
from aggregator.story_list_rows import StoryListRows


class ApiRows(
    DetailRows,
    NewsWalkRows,
    ArticleWalkRows,
    ChangeRows,
    StoryListRows,
    PickupRows,
    CountedRows,
    SourceEntryRows,
):
    """See above."""
