CREATE VIEW polls_by_day AS
-- One row for each day (WIB) with polls: how many sources were asked and answered, the denominator of every count.
SELECT
    day_wib AS day_wib,
    (SELECT name_id FROM labels WHERE kind = 'weekday' AND value = strftime('%w', day_wib)) AS weekday_id,
    (SELECT name_en FROM labels WHERE kind = 'weekday' AND value = strftime('%w', day_wib)) AS weekday_en,
    substr(day_wib, 1, 7) AS month,
    count(*) AS sources_polled,
    sum(answered > 0) AS sources_working,
    sum(answered = 0) AS sources_down,
    sum(polls) AS polls,
    sum(answered) AS answered,
    sum(requests) AS requests,
    sum(bytes) AS bytes,
    sum(posts) AS posts, -- entries of channels that were never seen before
    sum(articles) AS articles -- found on this day, and kept
FROM source_days WHERE polls > 0 GROUP BY day_wib
