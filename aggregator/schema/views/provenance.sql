CREATE VIEW provenance AS
-- One row for each copy, beside the article that it most likely copies: of those that were out before it (the canonical
-- one was out before all), the one that leaves least of it unexplained; then the one most like it; then the first. A day
-- without an hour counts as its end.
WITH copies AS (
    SELECT c.id AS copy_id, c.group_id, g.canonical_id, c.published_at,
        CASE c.published_precision WHEN 'none' THEN '9999'
            WHEN 'day' THEN strftime('%Y-%m-%dT%H:%M:%SZ', c.published_at, '+1 day', '-1 second')
            ELSE c.published_at END AS out_by
    FROM articles AS c CROSS JOIN duplicate_groups AS g ON g.id = c.group_id WHERE c.id <> g.canonical_id
), linked AS (
    SELECT copies.*, (
        SELECT original_id FROM (
            SELECT o.id AS original_id, e.score, o.id <> copies.canonical_id AS is_copy,
                round(1 - CASE e.a WHEN copies.copy_id THEN e.of_a ELSE e.of_b END, 2) AS added,
                CASE o.published_precision WHEN 'none' THEN '9999'
                    WHEN 'day' THEN strftime('%Y-%m-%dT%H:%M:%SZ', o.published_at, '+1 day', '-1 second')
                    ELSE o.published_at END AS out_by
            FROM duplicate_edges AS e
            CROSS JOIN articles AS o ON o.id = CASE e.a WHEN copies.copy_id THEN e.b ELSE e.a END
            WHERE (e.a = copies.copy_id OR e.b = copies.copy_id) AND e.accepted AND o.group_id = copies.group_id
        ) WHERE NOT is_copy OR (out_by, original_id) < (copies.out_by, copies.copy_id)
        ORDER BY added, score DESC, is_copy, out_by, original_id LIMIT 1
    ) AS original_id FROM copies
)
SELECT
    c.id AS article_id,
    l.group_id,
    c.source_id,
    c.title,
    c.url,
    l.published_at,
    datetime(c.published_at, c.to_wib) AS published_wib,
    o.id AS original_id, -- article that it most likely copies
    o.source_id AS original_source_id, -- its source
    o.title AS original_title, -- its title
    o.url AS original_url, -- its address
    CAST(round((julianday(c.published_at) - julianday(o.published_at)) * 1440) AS INTEGER)
        AS minutes_later, -- by the times on the pages; below 0 only where the order is not sure
    c.published_precision NOT IN ('day', 'none') AND o.published_precision NOT IN ('day', 'none')
        AS is_order_sure, -- 1: both pages give an hour
    lower(c.title) = lower(o.title) AS has_its_title, -- 1: word for word
    e.rule, -- of aggregator.dedup, that found the same text
    e.score, -- 3-word shingles in common, as a share of the shorter text's
    round(CASE e.a WHEN c.id THEN e.of_b ELSE e.of_a END, 3)
        AS kept, -- share of the original's shingles that the copy has
    round(1 - CASE e.a WHEN c.id THEN e.of_a ELSE e.of_b END, 3)
        AS added -- share of the copy's shingles that the original does not have
FROM linked AS l CROSS JOIN (
    SELECT *, CASE published_precision WHEN 'day' THEN published_offset ELSE 420 END || ' minutes' AS to_wib FROM articles
) AS c ON c.id = l.copy_id CROSS JOIN articles AS o ON o.id = l.original_id
CROSS JOIN duplicate_edges AS e ON e.accepted AND ((e.a = c.id AND e.b = o.id) OR (e.a = o.id AND e.b = c.id
    AND NOT EXISTS (SELECT * FROM duplicate_edges AS r WHERE r.a = c.id AND r.b = o.id AND r.accepted)))
