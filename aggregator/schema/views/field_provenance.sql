CREATE VIEW field_provenance AS
-- One row for each article and field: which way it was found. '' and NULL: not known, as of what was read by an older
-- version.
SELECT
    a.id AS article_id,
    'title' AS field, -- title, author, published, body, page, topic, place, group
    a.title AS value, -- what was found
    a.title_method AS method, -- which way
    a.profile AS detail, -- of site or theme, that was used; for others what the way was led by
    '' AS raw -- as it was written, where that is something else
FROM articles AS a
UNION ALL SELECT a.id, 'author', a.author, a.author_method, a.profile, a.byline FROM articles AS a
UNION ALL SELECT a.id, 'published', a.published_at, a.published_method, a.published_precision, a.published_raw
    FROM articles AS a
UNION ALL SELECT a.id, 'body', length(a.text) || ' characters', a.extraction_method, a.profile, '' FROM articles AS a
UNION ALL SELECT a.id, 'page', lower(hex(a.page_hash)), 'sha256', a.page_file, a.declared_url FROM articles AS a
UNION ALL SELECT t.article_id, 'topic', t.topic,
    (SELECT group_concat(DISTINCT json_extract(e.value, '$.term')) FROM json_each(t.evidence) AS e), t.table_version,
    t.evidence FROM article_topics AS t
UNION ALL SELECT ar.article_id, 'place', ar.code, ar.role, round(ar.score, 2), ar.evidence FROM article_regions AS ar
UNION ALL SELECT article_id, 'group', group_id, json_extract(edge, '$[0]'),
    coalesce('article ' || json_extract(edge, '$[1]') || ', score ' || json_extract(edge, '$[2]'), ''),
    coalesce(json_extract(edge, '$[3]'), '')
FROM (
    SELECT x.id AS article_id, x.group_id,
        CASE WHEN x.id = g.canonical_id THEN '["canonical"]' ELSE coalesce((
            -- the accepted decision with the canonical article, else that with the member that it is most like
            SELECT json_array(e.rule, m.id, e.score, m.url)
            FROM duplicate_edges AS e JOIN articles AS m ON m.id = e.a + e.b - x.id AND m.group_id = x.group_id
            JOIN duplicate_groups AS h ON h.id = m.group_id
            WHERE (e.a = x.id OR e.b = x.id) AND e.accepted
            ORDER BY m.id = h.canonical_id DESC, e.score DESC, e.alignment DESC, m.id LIMIT 1
        ), '[""]') END AS edge
    FROM articles AS x JOIN duplicate_groups AS g ON g.id = x.group_id
)
