CREATE VIEW discovery_by_topic AS
-- One row for each topic and day (WIB) on which articles were found, whenever they were published: what our own work
-- looks like. For what the press did, take coverage_by_topic.
SELECT
    f.day_wib AS day_wib,
    (strftime('%w', f.day_wib) + 6) % 7 + 1 AS weekday,
    (SELECT name_id FROM labels WHERE kind = 'weekday' AND value = strftime('%w', f.day_wib)) AS weekday_id,
    (SELECT name_en FROM labels WHERE kind = 'weekday' AND value = strftime('%w', f.day_wib)) AS weekday_en,
    substr(f.day_wib, 1, 7) AS month,
    f.topic,
    coalesce((SELECT name_id FROM labels WHERE kind = 'topic' AND value = f.topic), f.topic) AS topic_name_id,
    coalesce((SELECT name_en FROM labels WHERE kind = 'topic' AND value = f.topic), f.topic) AS topic_name_en,
    f.news AS found_news, -- pieces of news whose canonical article was found on this day
    f.articles AS found_articles,
    f.backfilled AS found_backfilled, -- of found_articles, by a backfill
    w.sources AS sources_working
FROM discovery_days AS f LEFT JOIN working_days AS w ON w.day_wib = f.day_wib
WHERE f.region = '' AND f.topic <> ''
