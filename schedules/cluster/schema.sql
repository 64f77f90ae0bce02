-- What lies in PostgreSQL beside Procrastinate's tables, in the same schema. Only `cluster init` runs this.

-- Each fetch looks for other polls of the same host: without this, among all that wait.
CREATE INDEX polls_by_host ON procrastinate_jobs (lock) WHERE status IN ('todo', 'doing');
-- Rows live for minutes: what is dead is cleared away by its number, not by its share.
ALTER TABLE procrastinate_jobs SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
-- Instead of a history of each job, of which nobody reads more and which goes with the job: three rows a poll.
ALTER TABLE procrastinate_jobs
    ADD COLUMN sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    DISABLE TRIGGER procrastinate_trigger_status_events_insert_v1,
    DISABLE TRIGGER procrastinate_trigger_status_events_update_v1,
    DISABLE TRIGGER procrastinate_trigger_scheduled_events_v1;

CREATE TABLE cluster (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    id uuid NOT NULL DEFAULT gen_random_uuid(), -- another after each `cluster init` of an empty database
    schema_version integer NOT NULL,
    procrastinate text NOT NULL, -- the version of Procrastinate whose tables these are
    program text NOT NULL DEFAULT '', -- the store node's: workers of another are refused
    swept_at timestamptz NOT NULL DEFAULT now(), -- when somebody last looked for workers that have died
    quiet_until timestamptz NOT NULL DEFAULT now() -- nobody is taken for dead before then
);

CREATE TABLE kits (
    id text PRIMARY KEY, -- a hash of the body
    body bytea NOT NULL, -- settings and the operator's tables, which many polls have in common
    used_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE harvests (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    job_id bigint NOT NULL,
    source_id text NOT NULL,
    channel_id bigint NOT NULL,
    body bytea NOT NULL,
    worker text NOT NULL,
    brought_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    refused text -- why it is kept aside; null: it waits to be taken in
);
ALTER TABLE harvests ALTER COLUMN body SET STORAGE EXTERNAL; -- compressed already
CREATE INDEX harvests_waiting ON harvests (source_id, channel_id, number) WHERE refused IS NULL;
CREATE INDEX harvests_by_age ON harvests (brought_at) WHERE refused IS NULL;

CREATE TABLE workers (
    id bigint PRIMARY KEY, -- Procrastinate's
    name text NOT NULL,
    program text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    beaten_at timestamptz NOT NULL DEFAULT now(),
    under_way integer NOT NULL DEFAULT 0,
    polls bigint NOT NULL DEFAULT 0,
    articles bigint NOT NULL DEFAULT 0,
    is_leaving boolean NOT NULL DEFAULT false
);

CREATE TABLE hosts (
    host text PRIMARY KEY, -- name:port
    domain text NOT NULL,
    holder text, -- the crawl process that may ask it; null: none
    held_until timestamptz, -- should the holder never say
    free_at timestamptz NOT NULL DEFAULT '-infinity' -- nobody may ask it before then
);
ALTER TABLE harvests SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
ALTER TABLE hosts SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, fillfactor = 50);
CREATE INDEX hosts_by_domain ON hosts (domain); -- and none of what each request changes

-- Takes permits back and hands permits out. All that concerns a domain goes one after the other: locks are taken in the
-- order of their numbers, so that two calls never wait for each other.
CREATE FUNCTION exchange_permits(
    returned_by text[], returned text[], returned_seconds float8[],
    wanted_by text[], wanted text[], wanted_domains text[],
    hold_seconds float8, most_of_domain integer
) RETURNS TABLE (holder text, host text, wait_seconds float8)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz;
BEGIN
    INSERT INTO hosts (host, domain)
        SELECT DISTINCT ON (h) h, d FROM unnest(wanted, wanted_domains) AS w (h, d) ORDER BY h
        ON CONFLICT DO NOTHING;
    PERFORM pg_advisory_xact_lock(1262570305, number) FROM (
        SELECT DISTINCT hashtext(d) AS number FROM (
            SELECT unnest(wanted_domains) AS d
            UNION SELECT hosts.domain FROM hosts WHERE hosts.host = ANY (returned)
        ) AS domains ORDER BY 1
    ) AS numbers;
    moment := clock_timestamp();
    UPDATE hosts SET
        holder = CASE WHEN hosts.holder = back.asker THEN NULL ELSE hosts.holder END,
        free_at = greatest(hosts.free_at, moment + make_interval(secs => back.seconds))
    FROM (
        SELECT b AS asker, h AS host, max(s) AS seconds FROM unnest(returned_by, returned, returned_seconds) AS r (b, h, s)
        GROUP BY b, h
    ) AS back
    WHERE hosts.host = back.host;
    RETURN QUERY
    WITH wishes AS (
        SELECT w.asker, w.place, known.host, known.domain, known.free_at,
            CASE WHEN known.held_until > moment THEN known.holder END AS held_by
        FROM unnest(wanted_by, wanted) WITH ORDINALITY AS w (asker, host, place) JOIN hosts AS known USING (host)
    ), held AS (
        SELECT domain, count(*) AS hosts FROM hosts
        WHERE domain = ANY (wanted_domains) AND holder IS NOT NULL AND held_until > moment GROUP BY domain
    ), ready AS ( -- each host once
        SELECT DISTINCT ON (host) asker, host, domain, place, held_by IS NOT NULL AS is_held FROM wishes
        WHERE free_at <= moment AND coalesce(held_by, asker) = asker ORDER BY host, place
    ), granted AS (
        SELECT asker, host FROM (
            SELECT asker, host, is_held, coalesce(held.hosts, 0)
                + row_number() OVER (PARTITION BY domain, is_held ORDER BY place) AS hosts_then
            FROM ready LEFT JOIN held USING (domain)
        ) AS counted
        WHERE is_held OR hosts_then <= most_of_domain -- whoever holds it already was not told
    ), taken AS (
        UPDATE hosts SET holder = granted.asker, held_until = moment + make_interval(secs => hold_seconds)
            FROM granted WHERE hosts.host = granted.host
            RETURNING hosts.holder AS asker, hosts.host
    )
    SELECT wishes.asker, wishes.host, CASE
        WHEN taken.host IS NOT NULL THEN 0
        WHEN coalesce(held_by, wishes.asker) = wishes.asker AND free_at > moment
            THEN greatest(0.001, extract(epoch FROM free_at - moment))
        ELSE 0.25 -- nobody knows how long the answer takes
    END::float8
    FROM wishes LEFT JOIN taken USING (asker, host);
END;
$$;

-- What a crawl process held is nobody's: it has ended, its requests with it.
CREATE FUNCTION take_permits_back(holders text[], seconds float8) RETURNS void LANGUAGE sql AS $$
    UPDATE hosts SET holder = NULL, free_at = greatest(free_at, clock_timestamp() + make_interval(secs => seconds))
        WHERE holder = ANY (holders);
$$;

-- Polls for a worker: the latest first, of a host one at a time. `known`: all that it has, where an answer was lost: what
-- it has and does not know of comes, too. Null: none was lost.
CREATE FUNCTION fetch_polls(queue text, by_worker bigint, most integer, known bigint[]) RETURNS SETOF procrastinate_jobs
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_sort = off SET enable_bitmapscan = off -- an index has them in their order: not all that wait are read
AS $$
BEGIN
    IF known IS NOT NULL THEN
        RETURN QUERY SELECT * FROM procrastinate_jobs
            WHERE status = 'doing' AND worker_id = by_worker AND id <> ALL (known);
    END IF;
    RETURN QUERY
    WITH found AS (
        SELECT poll.id FROM procrastinate_jobs AS poll
        WHERE poll.status = 'todo' AND poll.queue_name = queue
            AND (poll.scheduled_at IS NULL OR poll.scheduled_at <= now())
            AND NOT EXISTS (
                SELECT FROM procrastinate_jobs AS other
                WHERE other.lock = poll.lock AND other.status IN ('todo', 'doing')
                    AND (other.status = 'doing' OR (-other.priority, other.id) < (-poll.priority, poll.id))
            )
        ORDER BY poll.priority DESC, poll.id LIMIT most FOR UPDATE OF poll SKIP LOCKED
    )
    UPDATE procrastinate_jobs AS poll SET status = 'doing', worker_id = by_worker FROM found WHERE poll.id = found.id
        RETURNING poll.*;
END;
$$;

-- Completes polls and keeps their harvests, all or nothing. Returns those that were still this worker's: another was
-- thought dead, and somebody else has it or has brought it.
CREATE FUNCTION bring(
    by_worker bigint, by_name text, polls bigint[], ids uuid[], of_polls bigint[], channels bigint[], bodies bytea[]
) RETURNS SETOF bigint LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_bitmapscan = off AS $$
BEGIN
    RETURN QUERY
    WITH done AS ( -- as procrastinate_finish_job_v1 does it, which does not ask whose it is
        DELETE FROM procrastinate_jobs WHERE id = ANY (polls) AND status = 'doing' AND worker_id = by_worker
            RETURNING id, queueing_lock
    ), kept AS (
        INSERT INTO harvests (id, job_id, source_id, channel_id, body, worker)
            SELECT i, done.id, coalesce(done.queueing_lock, ''), c, b, by_name
            FROM unnest(ids, of_polls, channels, bodies) AS brought (i, p, c, b) JOIN done ON done.id = p
    )
    SELECT id FROM done;
    PERFORM pg_notify('kabarkota_harvests', '');
END;
$$;

-- Has a poll wait for a worker again; where its source waits already, it is not needed.
CREATE FUNCTION let_wait(poll bigint, again_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM procrastinate_retry_job_v2(poll, again_at, NULL, NULL, NULL);
EXCEPTION WHEN unique_violation THEN
    DELETE FROM procrastinate_jobs WHERE id = poll;
END;
$$;

-- Hands a poll back to be done in so many seconds, or ends it as failed where that is null. False where it is no longer this
-- worker's.
CREATE FUNCTION hand_back(poll bigint, by_worker bigint, again_seconds float8) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM procrastinate_jobs WHERE id = poll AND status = 'doing' AND worker_id = by_worker FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF again_seconds IS NULL THEN
        PERFORM procrastinate_finish_job_v1(poll, 'failed', false);
        PERFORM pg_notify('kabarkota_harvests', '');
    ELSE
        PERFORM let_wait(poll, now() + make_interval(secs => again_seconds));
    END IF;
    RETURN true;
END;
$$;

-- A sign of life of a worker, with what it has done since the last. Null where it is not known any more, else the store
-- node's program.
CREATE FUNCTION beat(
    worker bigint, worker_name text, worker_program text, now_under_way integer, more_polls integer,
    more_articles integer, now_leaving boolean
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    UPDATE procrastinate_workers SET last_heartbeat = now() WHERE id = worker;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO workers (id, name, program, under_way, polls, articles, is_leaving)
        VALUES (worker, worker_name, worker_program, now_under_way, more_polls, more_articles, now_leaving)
        ON CONFLICT (id) DO UPDATE SET beaten_at = now(), under_way = now_under_way, is_leaving = now_leaving,
            polls = workers.polls + more_polls, articles = workers.articles + more_articles;
    RETURN (SELECT program FROM cluster);
END;
$$;

-- Gives the polls of workers without a sign of life to others; those of which too many workers died end as failed.
CREATE FUNCTION sweep(stalled_seconds float8, most_attempts integer)
RETURNS TABLE (job_id bigint, has_failed boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    job procrastinate_jobs;
BEGIN
    IF NOT pg_try_advisory_xact_lock(1262570306, 0) THEN
        RETURN; -- another sweeps
    END IF;
    -- Where nobody has swept for a while, PostgreSQL was away, or all of us were: whoever lives needs time to say so.
    UPDATE cluster SET swept_at = clock_timestamp(), quiet_until = CASE
        WHEN swept_at < clock_timestamp() - make_interval(secs => stalled_seconds / 2)
            THEN clock_timestamp() + make_interval(secs => stalled_seconds)
        ELSE quiet_until
    END;
    IF (SELECT quiet_until < clock_timestamp() FROM cluster) THEN
        PERFORM procrastinate_prune_stalled_workers_v1(stalled_seconds);
    END IF;
    DELETE FROM workers WHERE NOT EXISTS (SELECT 1 FROM procrastinate_workers AS p WHERE p.id = workers.id)
        AND beaten_at < now() - interval '10 minutes';
    FOR job IN SELECT * FROM procrastinate_jobs WHERE status = 'doing' AND worker_id IS NULL FOR UPDATE SKIP LOCKED LOOP
        job_id := job.id;
        has_failed := job.attempts + 1 >= most_attempts;
        IF has_failed THEN
            PERFORM procrastinate_finish_job_v1(job.id, 'failed', false);
        ELSE
            PERFORM let_wait(job.id, now());
        END IF;
        RETURN NEXT;
    END LOOP;
END;
$$;
