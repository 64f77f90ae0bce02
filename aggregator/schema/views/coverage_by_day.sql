CREATE VIEW coverage_by_day AS
-- One row for each day (WIB) of which anything is known: what was published on it, what was found on it, and how many
-- sources could tell. Where sources were down, few news may be no silence.
SELECT
    d.day_wib AS day_wib,
    (strftime('%w', d.day_wib) + 6) % 7 + 1 AS weekday,
    (SELECT name_id FROM labels WHERE kind = 'weekday' AND value = strftime('%w', d.day_wib)) AS weekday_id,
    (SELECT name_en FROM labels WHERE kind = 'weekday' AND value = strftime('%w', d.day_wib)) AS weekday_en,
    substr(d.day_wib, 1, 7) AS month,
    coalesce(c.news, 0) AS news,
    coalesce(c.articles, 0) AS articles,
    coalesce(c.backfilled, 0) AS backfilled,
    coalesce(c.sources, 0) AS sources, -- that published any of it
    coalesce(f.news, 0) AS found_news, -- pieces of news whose canonical article was found on this day
    coalesce(f.articles, 0) AS found_articles, -- found on this day, whenever they were published
    coalesce(f.backfilled, 0) AS found_backfilled, -- of found_articles, by a backfill
    w.polled AS sources_polled,
    w.sources AS sources_working,
    w.polled - w.sources AS sources_down
FROM (
    SELECT day_wib FROM coverage_days WHERE region = '' AND topic = ''
    UNION SELECT day_wib FROM discovery_days WHERE region = '' AND topic = ''
    UNION SELECT day_wib FROM working_days
) AS d
LEFT JOIN coverage_days AS c ON c.day_wib = d.day_wib AND c.region = '' AND c.topic = ''
LEFT JOIN discovery_days AS f ON f.day_wib = d.day_wib AND f.region = '' AND f.topic = ''
LEFT JOIN working_days AS w ON w.day_wib = d.day_wib
