CREATE VIEW polls_by_day AS
-- One row for each day (WIB) with polls: how many sources were asked and answered, the denominator of every count.
SELECT
    w.day_wib AS day_wib,
    (strftime('%w', w.day_wib) + 6) % 7 + 1 AS weekday,
    (SELECT name_id FROM labels WHERE kind = 'weekday' AND value = strftime('%w', w.day_wib)) AS weekday_id,
    (SELECT name_en FROM labels WHERE kind = 'weekday' AND value = strftime('%w', w.day_wib)) AS weekday_en,
    substr(w.day_wib, 1, 7) AS month,
    w.polled AS sources_polled,
    w.sources AS sources_working,
    w.polled - w.sources AS sources_down,
    w.polls,
    w.answered,
    w.requests,
    w.bytes,
    w.posts, -- entries of channels that were never seen before
    w.articles -- found by these polls, and kept; what a backfill found is not here
FROM working_days AS w
