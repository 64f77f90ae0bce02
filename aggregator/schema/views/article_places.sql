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
    ar.evidence
FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code
