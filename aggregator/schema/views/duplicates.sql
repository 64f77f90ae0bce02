CREATE VIEW duplicates AS
-- One row for each copy, beside the canonical article of its group.
SELECT
    a.id AS article_id,
    a.url,
    a.source_id,
    s.name AS source,
    a.title,
    a.published_at,
    datetime(a.published_at, a.to_wib) AS published_wib,
    a.day_wib AS published_day_wib,
    a.group_id,
    g.canonical_id, -- article that the group is shown through
    c.url AS canonical_url, -- its address
    c.source_id AS canonical_source_id, -- its source
    t.name AS canonical_source, -- name of its source
    c.title AS canonical_title, -- its title
    c.published_at AS canonical_published_at, -- when it was published, UTC
    CAST(round((julianday(a.published_at) - julianday(c.published_at)) * 1440) AS INTEGER)
        AS minutes_later -- than the canonical one, by the times on the pages
FROM (
    SELECT *, CASE published_precision WHEN 'day' THEN published_offset ELSE 420 END || ' minutes' AS to_wib,
        date(published_at, CASE published_precision WHEN 'day' THEN published_offset ELSE 420 END || ' minutes') AS day_wib
    FROM articles
) AS a CROSS JOIN duplicate_groups AS g ON g.id = a.group_id
JOIN articles AS c ON c.id = g.canonical_id AND c.group_id = a.group_id
CROSS JOIN sources AS s ON s.id = a.source_id CROSS JOIN sources AS t ON t.id = c.source_id
WHERE a.id <> g.canonical_id
