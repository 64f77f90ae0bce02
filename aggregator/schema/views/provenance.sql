CREATE VIEW provenance AS
-- One row for each copy, beside the article that it most likely copies: of those that were out before it (the canonical
-- one was out before all), the one that leaves least of it unexplained; then the one most like it; then the first. A day
-- without an hour counts as its end.
WITH alike AS (
    SELECT a AS copy_id, b AS original_id, rule, score, of_b AS kept, 1 - of_a AS added
    FROM duplicate_edges WHERE accepted
    UNION ALL
    SELECT b, a, rule, score, of_a, 1 - of_b FROM duplicate_edges WHERE accepted
), timed AS (
    SELECT alike.*, c.group_id, g.canonical_id,
        CASE c.published_precision WHEN 'none' THEN '9999'
            WHEN 'day' THEN strftime('%Y-%m-%dT%H:%M:%SZ', c.published_at, '+1 day', '-1 second')
            ELSE c.published_at END AS copy_out_by,
        CASE o.published_precision WHEN 'none' THEN '9999'
            WHEN 'day' THEN strftime('%Y-%m-%dT%H:%M:%SZ', o.published_at, '+1 day', '-1 second')
            ELSE o.published_at END AS original_out_by
    FROM alike CROSS JOIN articles AS c ON c.id = alike.copy_id CROSS JOIN articles AS o ON o.id = alike.original_id
    CROSS JOIN duplicate_groups AS g ON g.id = c.group_id
    WHERE c.group_id = o.group_id AND c.id <> g.canonical_id
), ranked AS (
    SELECT timed.*, row_number() OVER (
        PARTITION BY copy_id
        ORDER BY round(added, 2), score DESC, original_id <> canonical_id, original_out_by, original_id
    ) AS place
    FROM timed WHERE original_id = canonical_id OR (original_out_by, original_id) < (copy_out_by, copy_id)
)
SELECT
    f.copy_id AS article_id,
    c.group_id,
    c.source_id,
    c.title,
    c.url,
    c.published_at,
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
    f.rule, -- of aggregator.dedup, that found the same text
    f.score, -- 3-word shingles in common, as a share of the shorter text's
    round(f.kept, 3) AS kept, -- share of the original's shingles that the copy has
    round(f.added, 3) AS added -- share of the copy's shingles that the original does not have
FROM ranked AS f CROSS JOIN (
    SELECT *, CASE published_precision WHEN 'day' THEN published_offset ELSE 420 END || ' minutes' AS to_wib FROM articles
) AS c ON c.id = f.copy_id CROSS JOIN articles AS o ON o.id = f.original_id
WHERE f.place = 1
