CREATE VIEW coverage_by_topic AS
-- One row for each topic and day (WIB) of publication. News on two topics counts in both.
SELECT
    c.day_wib AS day_wib,
    (strftime('%w', c.day_wib) + 6) % 7 + 1 AS weekday,
    (SELECT name_id FROM labels WHERE kind = 'weekday' AND value = strftime('%w', c.day_wib)) AS weekday_id,
    (SELECT name_en FROM labels WHERE kind = 'weekday' AND value = strftime('%w', c.day_wib)) AS weekday_en,
    substr(c.day_wib, 1, 7) AS month,
    c.topic,
    coalesce((SELECT name_id FROM labels WHERE kind = 'topic' AND value = c.topic), c.topic) AS topic_name_id,
    coalesce((SELECT name_en FROM labels WHERE kind = 'topic' AND value = c.topic), c.topic) AS topic_name_en,
    c.news,
    c.articles,
    c.backfilled,
    c.sources, -- that published any of it
    w.sources AS sources_working
FROM coverage_days AS c LEFT JOIN working_days AS w ON w.day_wib = c.day_wib
WHERE c.region = '' AND c.topic <> ''
