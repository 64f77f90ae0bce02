CREATE VIEW story_overview AS
-- One row for each story: news on one event, told in different words by several groups. Most hold one piece of news.
SELECT
    s.id AS story_id,
    s.title, -- of its most central news
    s.first_seen_at AS begins_at, -- when its first article was published, UTC
    s.last_seen_at AS ends_at, -- when its latest article was published, UTC
    datetime(s.first_seen_at, '+7 hours') AS begins_wib,
    datetime(s.last_seen_at, '+7 hours') AS ends_wib,
    date(s.last_seen_at, '+7 hours') AS ends_day_wib,
    (SELECT count(*) FROM duplicate_groups AS g
        WHERE g.story_id = s.id AND g.merged_into IS NULL AND g.withdrawn_at IS NULL) AS news,
    (SELECT count(*) FROM duplicate_groups AS g JOIN articles AS a ON a.group_id = g.id
        WHERE g.story_id = s.id AND g.merged_into IS NULL AND g.withdrawn_at IS NULL) AS articles,
    (SELECT count(DISTINCT a.source_id) FROM duplicate_groups AS g JOIN articles AS a ON a.group_id = g.id
        WHERE g.story_id = s.id AND g.merged_into IS NULL AND g.withdrawn_at IS NULL) AS sources,
    (SELECT replace(group_concat(DISTINCT r.name), ',', ', ') FROM duplicate_groups AS g
        JOIN article_regions AS ar ON ar.article_id = g.canonical_id AND ar.role = 'event'
        JOIN regions AS r ON r.code = ar.code AND r.kind = 'city'
        WHERE g.story_id = s.id AND g.merged_into IS NULL AND g.withdrawn_at IS NULL) AS cities,
    (SELECT replace(group_concat(DISTINCT t.topic), ',', ', ') FROM duplicate_groups AS g
        JOIN article_topics AS t ON t.article_id = g.canonical_id
        WHERE g.story_id = s.id AND g.merged_into IS NULL AND g.withdrawn_at IS NULL) AS topics,
    s.why -- JSON array: the rarest words that most of its news share
FROM stories AS s
WHERE s.merged_into IS NULL AND EXISTS (SELECT * FROM duplicate_groups AS g
    WHERE g.story_id = s.id AND g.merged_into IS NULL AND g.withdrawn_at IS NULL)
