CREATE VIEW coverage_by_komwil AS
-- One row for each Komisariat Wilayah (regional commissariat of APEKSI) and day (WIB) of publication.
SELECT
    c.day_wib AS day_wib,
    (strftime('%w', c.day_wib) + 6) % 7 + 1 AS weekday,
    (SELECT name_id FROM labels WHERE kind = 'weekday' AND value = strftime('%w', c.day_wib)) AS weekday_id,
    (SELECT name_en FROM labels WHERE kind = 'weekday' AND value = strftime('%w', c.day_wib)) AS weekday_en,
    substr(c.day_wib, 1, 7) AS month,
    k.komwil,
    k.cities, -- members
    c.news,
    c.articles,
    c.backfilled,
    c.sources, -- that published any of it
    w.sources AS sources_working
FROM (SELECT komwil, count(*) AS cities FROM regions WHERE komwil IS NOT NULL GROUP BY komwil) AS k
JOIN coverage_days AS c ON c.region = 'komwil/' || k.komwil AND c.topic = ''
LEFT JOIN working_days AS w ON w.day_wib = c.day_wib
