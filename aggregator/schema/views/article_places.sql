CREATE VIEW article_places AS
-- One row for each article and place in it. Most questions are about role 'event': where it happened.
SELECT
    ar.article_id,
    ar.role,
    ar.code,
    r.slug,
    r.kind, -- city, province
    r.name,
    r.province,
    r.komwil,
    ar.score,
    (SELECT json_group_array(json_object('term', json_extract(e.value, '$[0]'), 'place', json_extract(e.value, '$[1]'),
        'offset', json_extract(e.value, '$[2]'), 'weight', json_extract(e.value, '$[3]'))) FROM json_each(ar.evidence) AS e)
        AS evidence -- JSON: term, place, offset and weight of every match
FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
