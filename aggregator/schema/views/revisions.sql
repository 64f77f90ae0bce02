CREATE VIEW revisions AS
-- One row for each time that a portal was found to have changed an article of its own.
SELECT
    v.id AS revision_id,
    v.article_id,
    a.url,
    a.source_id,
    s.name AS source,
    v.replaced_at, -- when the change was found, UTC
    datetime(v.replaced_at, '+7 hours') AS replaced_wib,
    a.published_at,
    v.title AS title_before, -- that it had until then
    coalesce(json_extract(v.difference, '$.title[1]'), v.title) AS title_after, -- that it had from then on
    a.title AS title_now, -- that it has today
    json_extract(v.difference, '$.title') IS NOT NULL AS is_title_changed,
    json_array_length(v.difference, '$.removed') AS paragraphs_removed,
    json_array_length(v.difference, '$.added') AS paragraphs_added
FROM article_revisions AS v JOIN articles AS a ON a.id = v.article_id CROSS JOIN sources AS s ON s.id = a.source_id
