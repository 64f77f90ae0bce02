CREATE VIEW field_provenance AS
-- One row for each article and field: which way it was found. '' and NULL: not known, as of what was read by an older
-- version.
SELECT
    a.id AS article_id,
    f.field AS field, -- title, author, published, body, page, topic, place, group
    CASE f.field
        WHEN 'title' THEN a.title
        WHEN 'author' THEN a.author
        WHEN 'published' THEN a.published_at
        WHEN 'body' THEN length(a.text) || ' characters'
        WHEN 'page' THEN lower(hex(a.page_hash))
        WHEN 'topic' THEN t.topic
        WHEN 'place' THEN ar.code
        ELSE a.group_id END AS value, -- what was found
    CASE f.field
        WHEN 'title' THEN a.title_method
        WHEN 'author' THEN a.author_method
        WHEN 'published' THEN a.published_method
        WHEN 'body' THEN a.extraction_method
        WHEN 'page' THEN 'sha256'
        WHEN 'topic' THEN
            (SELECT replace(group_concat(DISTINCT json_extract(e.value, '$[0]')), ',', ', ') FROM json_each(t.evidence) AS e)
        WHEN 'place' THEN ar.role
        ELSE CASE a.id WHEN g.canonical_id THEN 'canonical' ELSE coalesce(d.rule, '') END END
        AS method, -- which way
    CASE f.field
        WHEN 'published' THEN a.published_precision
        WHEN 'page' THEN a.page_file
        WHEN 'topic' THEN t.table_version
        WHEN 'place' THEN round(ar.score, 2)
        WHEN 'group' THEN coalesce('article ' || o.id || ', score ' || d.score, '')
        ELSE a.profile END AS detail,
    CASE f.field
        WHEN 'title' THEN ''
        WHEN 'author' THEN a.byline
        WHEN 'published' THEN a.published_raw
        WHEN 'body' THEN ''
        WHEN 'page' THEN a.declared_url
        WHEN 'group' THEN coalesce(o.url, '')
        ELSE (SELECT json_group_array(json_object('term', json_extract(e.value, '$[0]'),
                'place', json_extract(e.value, '$[1]'), 'offset', json_extract(e.value, '$[2]'),
                'weight', json_extract(e.value, '$[3]'))) FROM json_each(coalesce(t.evidence, ar.evidence)) AS e)
        END AS raw -- as it was written, where that is something else
FROM articles AS a
CROSS JOIN (
    SELECT 'title' AS field
    UNION ALL VALUES ('author'), ('published'), ('body'), ('page'), ('topic'), ('place'), ('group')
) AS f
LEFT JOIN article_topics AS t ON f.field = 'topic' AND t.article_id = a.id
LEFT JOIN article_regions AS ar ON f.field = 'place' AND ar.article_id = a.id
LEFT JOIN duplicate_groups AS g ON f.field = 'group' AND g.id = a.group_id
LEFT JOIN articles AS o ON o.id = CASE WHEN f.field = 'group' AND a.id <> g.canonical_id THEN (
    -- of the accepted decision with the canonical article, else of that with the member that it is most like
    SELECT member_id FROM (
        SELECT m.id AS member_id, m.id = h.canonical_id AS is_canonical, e.score, e.alignment
        FROM duplicate_edges AS e JOIN articles AS m ON m.id = e.a + e.b - a.id AND m.group_id = a.group_id
        JOIN duplicate_groups AS h ON h.id = m.group_id
        WHERE (e.a = a.id OR e.b = a.id) AND e.accepted
    ) ORDER BY is_canonical DESC, score DESC, alignment DESC, member_id LIMIT 1) END
LEFT JOIN duplicate_edges AS d ON d.accepted AND ((d.a = a.id AND d.b = o.id) OR (d.a = o.id AND d.b = a.id
    AND NOT EXISTS (SELECT * FROM duplicate_edges AS r WHERE r.a = a.id AND r.b = o.id AND r.accepted)))
WHERE CASE f.field WHEN 'topic' THEN t.topic WHEN 'place' THEN ar.code WHEN 'group' THEN g.id ELSE '' END IS NOT NULL
