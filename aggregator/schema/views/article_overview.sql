CREATE VIEW article_overview AS
-- One row for each article, duplicates included, with what people ask of it. The text is in `articles`.
SELECT
    a.id AS article_id,
    a.url,
    a.title,
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
    date(a.first_seen_at, '+7 hours') AS first_seen_day_wib,
    a.backfilled AS is_backfilled,
    CAST(julianday(date(a.first_seen_at, '+7 hours')) - julianday(date(a.published_at, a.to_wib)) AS INTEGER)
        AS days_late, -- days from publication to discovery, by the calendar of WIB
    a.group_id,
    g.guid,
    a.id = g.canonical_id AS is_canonical,
    (SELECT count(*) FROM articles AS m WHERE m.group_id = a.group_id) AS copies,
    g.story_id,
    (SELECT group_concat(t.topic, ', ') FROM article_topics AS t WHERE t.article_id = a.id) AS topics,
    (SELECT group_concat(coalesce(l.name_id, t.topic), ', ') FROM article_topics AS t
        LEFT JOIN labels AS l ON l.kind = 'topic' AND l.value = t.topic WHERE t.article_id = a.id) AS topic_names_id,
    (SELECT group_concat(coalesce(l.name_en, t.topic), ', ') FROM article_topics AS t
        LEFT JOIN labels AS l ON l.kind = 'topic' AND l.value = t.topic WHERE t.article_id = a.id) AS topic_names_en,
    (SELECT group_concat(r.name, ', ') FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
        WHERE ar.article_id = a.id AND ar.role = 'event' AND r.kind = 'city') AS cities,
    (SELECT group_concat(r.slug, ', ') FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
        WHERE ar.article_id = a.id AND ar.role = 'event' AND r.kind = 'city') AS city_slugs,
    (SELECT replace(group_concat(DISTINCT r.province), ',', ', ') FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
        WHERE ar.article_id = a.id AND ar.role = 'event') AS provinces,
    (SELECT replace(group_concat(DISTINCT r.komwil), ',', ', ') FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
        WHERE ar.article_id = a.id AND ar.role = 'event' AND r.komwil IS NOT NULL) AS komwil,
    a.language,
    substr(a.summary, 1, min(coalesce(a.snippet_limit, 300), 300)) AS summary, -- as the portal gives it, mostly its first sentences: 300 characters, or as few as its page allows
    a.image,
    a.tags,
    a.revised_at,
    a.gone_at,
    a.text_dropped_at,
    a.text <> '' AND a.text_dropped_at IS NULL AS has_text
FROM (
    SELECT *, CASE published_precision WHEN 'day' THEN published_offset ELSE 420 END || ' minutes' AS to_wib,
        date(published_at, CASE published_precision WHEN 'day' THEN published_offset ELSE 420 END || ' minutes') AS day_wib
    FROM articles
) AS a CROSS JOIN sources AS s ON s.id = a.source_id LEFT JOIN duplicate_groups AS g ON g.id = a.group_id
