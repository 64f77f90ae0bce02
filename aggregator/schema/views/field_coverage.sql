CREATE VIEW field_coverage AS
-- One row for each source and month (WIB): of its pages that were extracted, the shares with a text, a date, an author.
SELECT
    source_id,
    substr(day_wib, 1, 7) AS month,
    sum(pages) AS pages, -- extracted, on topic or not
    round(1.0 * sum(bodied) / sum(pages), 3) AS bodies, -- share with a text
    round(1.0 * sum(dated) / sum(pages), 3) AS dates, -- share with a date
    round(1.0 * sum(authored) / sum(pages), 3) AS authors -- share with an author
FROM source_days GROUP BY source_id, month HAVING sum(pages) > 0
