CREATE VIEW article_subjects AS
-- One row for each article and topic: why it is here.
SELECT
    t.article_id,
    t.topic,
    coalesce((SELECT name_id FROM labels WHERE kind = 'topic' AND value = t.topic), t.topic) AS topic_name_id,
    coalesce((SELECT name_en FROM labels WHERE kind = 'topic' AND value = t.topic), t.topic) AS topic_name_en,
    t.score,
    (SELECT replace(group_concat(DISTINCT json_extract(e.value, '$[0]')), ',', ', ') FROM json_each(t.evidence) AS e)
        AS terms, -- that were found, each once
    (SELECT json_group_array(json_object('term', json_extract(e.value, '$[0]'), 'place', json_extract(e.value, '$[1]'),
        'offset', json_extract(e.value, '$[2]'), 'weight', json_extract(e.value, '$[3]'))) FROM json_each(t.evidence) AS e)
        AS evidence, -- JSON: term, place, offset and weight of every match
    t.table_version
FROM article_topics AS t
