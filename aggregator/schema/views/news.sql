CREATE VIEW news AS
-- One row for each piece of news (duplicate group), shown through its canonical article. What left the feeds is not here.
SELECT
    g.id AS group_id,
    g.guid,
    g.story_id,
    a.id AS article_id,
    a.title,
    a.url,
    a.source_id,
    s.name AS source,
    s.kind AS source_kind,
    a.author,
    a.published_at,
    datetime(a.published_at, a.to_wib) AS published_wib,
    a.day_wib AS published_day_wib,
    (strftime('%w', a.published_at, a.to_wib) + 6) % 7 + 1 AS published_weekday,
    (SELECT name_id FROM labels
        WHERE kind = 'weekday' AND value = strftime('%w', a.published_at, a.to_wib)) AS published_weekday_id,
    (SELECT name_en FROM labels
        WHERE kind = 'weekday' AND value = strftime('%w', a.published_at, a.to_wib)) AS published_weekday_en,
    strftime('%Y-%m', a.published_at, a.to_wib) AS published_month,
    a.published_precision,
    a.first_seen_at,
    datetime(a.first_seen_at, '+7 hours') AS first_seen_wib,
    g.first_published_at,
    g.archived AS is_archived,
    a.backfilled AS is_backfilled,
    (SELECT count(*) FROM articles AS m WHERE m.group_id = g.id) AS copies,
    (SELECT count(DISTINCT m.source_id) FROM articles AS m WHERE m.group_id = g.id) AS sources,
    (SELECT group_concat(t.topic, ', ') FROM article_topics AS t WHERE t.article_id = a.id) AS topics,
    (SELECT group_concat(coalesce(l.name_id, t.topic), ', ') FROM article_topics AS t
        LEFT JOIN labels AS l ON l.kind = 'topic' AND l.value = t.topic WHERE t.article_id = a.id) AS topic_names_id,
    (SELECT group_concat(coalesce(l.name_en, t.topic), ', ') FROM article_topics AS t
        LEFT JOIN labels AS l ON l.kind = 'topic' AND l.value = t.topic WHERE t.article_id = a.id) AS topic_names_en,
    (SELECT group_concat(r.name, ', ') FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
        WHERE ar.article_id = a.id AND ar.role = 'event') AS regions,
    (SELECT group_concat(r.name, ', ') FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
        WHERE ar.article_id = a.id AND ar.role = 'event' AND r.kind = 'city') AS cities,
    (SELECT group_concat(r.slug, ', ') FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
        WHERE ar.article_id = a.id AND ar.role = 'event' AND r.kind = 'city') AS city_slugs,
    (SELECT replace(group_concat(DISTINCT r.province), ',', ', ') FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
        WHERE ar.article_id = a.id AND ar.role = 'event') AS provinces,
    (SELECT replace(group_concat(DISTINCT r.komwil), ',', ', ') FROM article_regions AS ar
        JOIN regions AS r ON r.code = ar.code
        WHERE ar.article_id = a.id AND ar.role = 'event' AND r.komwil IS NOT NULL) AS komwil
FROM duplicate_groups AS g JOIN (
    SELECT *, CASE published_precision WHEN 'day' THEN published_offset ELSE 420 END || ' minutes' AS to_wib,
        date(published_at, CASE published_precision WHEN 'day' THEN published_offset ELSE 420 END || ' minutes') AS day_wib
    FROM articles
) AS a ON a.id = g.canonical_id AND a.group_id = g.id CROSS JOIN sources AS s ON s.id = a.source_id
WHERE g.merged_into IS NULL AND g.withdrawn_at IS NULL
