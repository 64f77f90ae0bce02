CREATE VIEW sources_down AS
-- One row for each source and day (WIB) on which it was asked and never answered: its news of that day may be missing.
SELECT
    d.day_wib AS day_wib,
    (strftime('%w', d.day_wib) + 6) % 7 + 1 AS weekday,
    (SELECT name_id FROM labels WHERE kind = 'weekday' AND value = strftime('%w', d.day_wib)) AS weekday_id,
    (SELECT name_en FROM labels WHERE kind = 'weekday' AND value = strftime('%w', d.day_wib)) AS weekday_en,
    substr(d.day_wib, 1, 7) AS month,
    d.source_id,
    s.name AS source,
    s.kind AS source_kind,
    s.city, -- slug of its home city
    d.polls -- that failed
FROM source_days AS d JOIN sources AS s ON s.id = d.source_id
WHERE d.polls > 0 AND d.answered = 0
