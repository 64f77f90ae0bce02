CREATE VIEW source_health AS
-- One row for each channel: how it is doing.
SELECT
    c.source_id,
    s.name AS source,
    c.kind,
    c.url, -- of the channel
    c.enabled AS is_enabled,
    c.failures, -- polls failed in a row
    c.last_success_at, -- UTC
    p.outcome AS last_outcome, -- changed, unchanged, refused, failed
    p.http_status AS last_status, -- 0: no answer
    p.code AS last_code, -- the reason in one word
    (SELECT name_id FROM labels WHERE kind = 'reason' AND value = p.code) AS last_code_name_id, -- in Indonesian
    (SELECT name_en FROM labels WHERE kind = 'reason' AND value = p.code) AS last_code_name_en, -- in English
    p.reason AS last_reason, -- as it was met
    p.started_at AS last_poll_at, -- UTC
    datetime(p.started_at, '+7 hours') AS last_poll_wib,
    c.next_poll_at, -- UTC; '': at once
    c.retired_at, -- when it was given up; asked once a month since
    c.stand_in IS NOT NULL AS is_stand_in, -- 1: found in place of dead channels
    (SELECT count(*) FROM articles AS a WHERE a.source_id = c.source_id) AS articles_of_source
FROM channels AS c JOIN sources AS s ON s.id = c.source_id LEFT JOIN polls AS p
    ON p.id = (SELECT id FROM polls WHERE channel_id = c.id ORDER BY started_at DESC, id DESC LIMIT 1)
