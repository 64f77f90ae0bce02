CREATE VIEW pickups AS
-- One row for each outlet that carries what a city government published. minutes_later below 0: the outlet had it before
-- the government's own site, as where a release goes out by message first.
SELECT
    r.group_id,
    r.id AS release_id, -- article of the government
    r.source_id AS government_id, -- source
    s.name AS government,
    s.city, -- slug of the government's city
    r.title AS release_title, -- as the government has it
    r.url AS release_url,
    r.published_at AS released_at, -- UTC
    datetime(r.published_at, r.to_wib) AS released_wib,
    r.day_wib AS released_day_wib,
    strftime('%Y-%m', r.published_at, r.to_wib) AS month, -- of the release
    o.id AS article_id, -- of the outlet
    o.source_id AS outlet_id, -- source
    t.name AS outlet,
    t.kind AS outlet_kind,
    o.title, -- as the outlet has it
    o.url,
    o.published_at,
    CAST(round((julianday(o.published_at) - julianday(r.published_at)) * 1440) AS INTEGER) AS minutes_later
FROM (
    SELECT *, CASE published_precision WHEN 'day' THEN published_offset ELSE 420 END || ' minutes' AS to_wib,
        date(published_at, CASE published_precision WHEN 'day' THEN published_offset ELSE 420 END || ' minutes') AS day_wib
    FROM articles
) AS r JOIN sources AS s ON s.id = r.source_id AND s.kind = 'city-government'
JOIN articles AS o ON o.group_id = r.group_id AND o.source_id <> r.source_id CROSS JOIN sources AS t ON t.id = o.source_id
