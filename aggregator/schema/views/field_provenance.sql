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
