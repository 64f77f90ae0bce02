CREATE VIEW coverage AS
-- One row for each day (WIB) of publication, topic and place: the cube that the others are cut from. Rows for any topic
-- (topic '') and for anywhere (place_kind '') stand beside those of single ones: choose one of them, then sum over days.
SELECT
    c.day_wib AS day_wib,
    (strftime('%w', c.day_wib) + 6) % 7 + 1 AS weekday,
    (SELECT name_id FROM labels WHERE kind = 'weekday' AND value = strftime('%w', c.day_wib)) AS weekday_id,
    (SELECT name_en FROM labels WHERE kind = 'weekday' AND value = strftime('%w', c.day_wib)) AS weekday_en,
    substr(c.day_wib, 1, 7) AS month,
    c.topic, -- '': any
    CASE WHEN instr(c.region, '/') THEN substr(c.region, 1, instr(c.region, '/') - 1) ELSE '' END
        AS place_kind, -- city, province, komwil; '': anywhere
    substr(c.region, instr(c.region, '/') + 1) AS place, -- slug, or number of a Komwil
    c.news,
    c.articles,
    c.backfilled,
    c.sources, -- that published any of it
    w.sources AS sources_working
FROM coverage_days AS c LEFT JOIN working_days AS w ON w.day_wib = c.day_wib
