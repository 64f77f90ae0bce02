CREATE VIEW coverage_by_source AS
-- One row for each source and day (WIB) on which it published anything on topic.
SELECT
    c.day_wib AS day_wib,
    (strftime('%w', c.day_wib) + 6) % 7 + 1 AS weekday,
    (SELECT name_id FROM labels WHERE kind = 'weekday' AND value = strftime('%w', c.day_wib)) AS weekday_id,
    (SELECT name_en FROM labels WHERE kind = 'weekday' AND value = strftime('%w', c.day_wib)) AS weekday_en,
    substr(c.day_wib, 1, 7) AS month,
    c.source_id,
    s.name AS source,
    s.kind AS source_kind,
    s.city, -- slug of its home city
    c.news, -- pieces of news whose canonical article is its own
    c.articles, -- its own, copies of others' news included
    c.backfilled,
    (SELECT d.polls FROM source_days AS d WHERE d.source_id = c.source_id AND d.day_wib = c.day_wib AND d.polls > 0)
        AS polls, -- of its channels on this day; NULL: it was not asked
    (SELECT d.answered FROM source_days AS d WHERE d.source_id = c.source_id AND d.day_wib = c.day_wib AND d.polls > 0)
        AS answered
FROM source_coverage_days AS c JOIN sources AS s ON s.id = c.source_id
WHERE c.topic = ''
