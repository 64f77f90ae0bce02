CREATE VIEW hijacked_sources AS
-- One row for each source on whose pages gambling spam was found; such pages are in rejected_pages and in no feed.
SELECT
    s.id AS source_id,
    s.name,
    s.domain,
    s.hijacked_at, -- when it was last found, UTC
    (SELECT count(*) FROM rejected_pages AS r WHERE r.source_id = s.id AND r.verdict = 'spam') AS pages -- with spam
FROM sources AS s WHERE s.hijacked_at IS NOT NULL
