CREATE VIEW coverage_by_city AS
-- One row for each city and day (WIB) of publication: what happened there, by what the news says. News on two cities
-- counts in both.
SELECT
    c.day_wib AS day_wib,
    (strftime('%w', c.day_wib) + 6) % 7 + 1 AS weekday,
    (SELECT name_id FROM labels WHERE kind = 'weekday' AND value = strftime('%w', c.day_wib)) AS weekday_id,
    (SELECT name_en FROM labels WHERE kind = 'weekday' AND value = strftime('%w', c.day_wib)) AS weekday_en,
    substr(c.day_wib, 1, 7) AS month,
    r.slug AS city,
    r.code,
    r.name,
    r.province,
    r.komwil,
    c.news,
    c.articles,
    c.backfilled,
    c.sources, -- that published any of it
    w.sources AS sources_working
FROM regions AS r JOIN coverage_days AS c ON c.region = 'city/' || r.slug AND c.topic = ''
LEFT JOIN working_days AS w ON w.day_wib = c.day_wib
WHERE r.kind = 'city'
