"""The other side of B9: jobs of APScheduler, as many as there are channels, in its memory.

python -m benchmarks.timers CHANNELS     prints {"due", "due_ms"}: CPU time of finding a due job and its next date
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta

from apscheduler.job import Job
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
INTERVAL = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)


def main(channels: str) -> None:
    count = int(channels)
    scheduler, store = BackgroundScheduler(timezone="UTC"), MemoryJobStore()
    store.start(scheduler, "default")
    for number in range(count):
        at = NOW + INTERVAL * number / count
        trigger = IntervalTrigger(minutes=15, start_date=at, timezone=UTC)
        facts = {"trigger": trigger, "executor": "default", "func": print, "args": (), "kwargs": {}, "name": "poll"}
        limits = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1, "next_run_time": at}
        store.add_job(Job(scheduler, id=str(number), **facts, **limits))
    began = time.process_time()
    due = store.get_due_jobs(NOW + MINUTE)
    for job in due:
        (runs,) = job._get_run_times(NOW + MINUTE)  # noqa: SLF001 - as its scheduler does
        job._modify(next_run_time=job.trigger.get_next_fire_time(runs, NOW + MINUTE))  # noqa: SLF001
        store.update_job(job)
    print(json.dumps({"due": len(due), "due_ms": (time.process_time() - began) * 1000 / len(due)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
