"""Tasks that do nothing through other queues: python peers.py PEER ADDRESS TASKS TOGETHER

Prints {"seconds", "misplaced"}: from the first submission to the end of the last task, and how many tasks came
before an earlier one of the same caller and bucket. Submitters, 32 at a time, are a process of their own beside the
worker, as they are in the services that these queues are made for.
"""

import asyncio
import json
import multiprocessing
import sys
import time

CALLERS = 32
BUCKETS = 200
CONCURRENCY = 64
POOL = 8


class Seen:
    """The order of the tasks, and when the last one has come."""

    def __init__(self, tasks):
        self.left = tasks
        self.last = {}
        self.misplaced = 0

    def take(self, caller, number, bucket):
        key = (caller, bucket)
        if self.last.get(key, -1) >= number:
            self.misplaced += 1
        self.last[key] = number
        self.left -= 1
        return self.left == 0


def calls(caller, tasks, together):
    """The tasks of each call of a caller: (caller, number, bucket)."""
    for first in range(0, tasks // CALLERS, together):
        yield [(caller, number, f"bucket {(caller * 7 + number) % BUCKETS}") for number in range(first, first + together)]


def submitting(function, *arguments):
    """Runs a coroutine function in a process of its own, which waits for the word to begin."""
    begin = multiprocessing.get_context("fork").Event()

    def run():
        asyncio.run(function(begin, *arguments))

    process = multiprocessing.get_context("fork").Process(target=run, daemon=True)
    process.start()
    return process, begin


async def submit_procrastinate(begin, url, tasks, together):
    app, work = procrastinate_app(url, lambda *_: None)
    async with app.open_async():
        async def call(caller):
            for batch in calls(caller, tasks, together):
                jobs = [work.configure(lock=task[2]).make_new_job(caller=task[0], number=task[1], bucket=task[2])
                        for task in batch]
                await app.job_manager.batch_defer_jobs_async(jobs)

        begin.wait()
        await asyncio.gather(*(call(caller) for caller in range(CALLERS)))


def procrastinate_app(url, take):
    import procrastinate

    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, min_size=POOL, max_size=POOL))

    @app.task(name="work", queue="work")
    async def work(caller, number, bucket):
        take(caller, number, bucket)

    return app, work


async def run_procrastinate(url, tasks, together):
    seen, done = Seen(tasks), asyncio.Event()
    app, _ = procrastinate_app(url, lambda *task: done.set() if seen.take(*task) else None)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
    process, begin = submitting(submit_procrastinate, url, tasks, together)
    async with app.open_async():
        worker = asyncio.create_task(app.run_worker_async(
            queues=["work"], concurrency=CONCURRENCY, delete_jobs="always", install_signal_handlers=False))
        await asyncio.sleep(1)
        start = time.monotonic()
        begin.set()
        await done.wait()
        while (await app.connector.execute_query_one_async(
                "SELECT count(*) AS left FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"))["left"]:
            await asyncio.sleep(0.02)
        seconds = time.monotonic() - start
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    process.join()
    return seconds, seen.misplaced


async def submit_pgqueuer(begin, url, tasks, together):
    import asyncpg
    from pgqueuer.db import AsyncpgPoolDriver
    from pgqueuer.queries import Queries

    async with asyncpg.create_pool(url, min_size=POOL, max_size=POOL) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))

        async def call(caller):
            for batch in calls(caller, tasks, together):
                count = len(batch)
                await queries.enqueue(["work"] * count, [json.dumps(task).encode() for task in batch], [0] * count)

        begin.wait()
        await asyncio.gather(*(call(caller) for caller in range(CALLERS)))


async def run_pgqueuer(url, tasks, together):
    import asyncpg
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgPoolDriver
    from pgqueuer.queries import Queries

    seen, done = Seen(tasks), asyncio.Event()
    async with asyncpg.create_pool(url, min_size=POOL, max_size=POOL) as pool:
        driver = AsyncpgPoolDriver(pool)
        await Queries(driver).install()
        process, begin = submitting(submit_pgqueuer, url, tasks, together)
        queuer = PgQueuer(driver)

        @queuer.entrypoint("work")
        async def work(job):
            if seen.take(*json.loads(job.payload)):
                done.set()

        worker = asyncio.create_task(queuer.run(batch_size=CONCURRENCY))
        await asyncio.sleep(1)
        start = time.monotonic()
        begin.set()
        await done.wait()
        while await pool.fetchval("SELECT count(*) FROM pgqueuer"):
            await asyncio.sleep(0.02)
        seconds = time.monotonic() - start
        queuer.shutdown.set()
        await worker
    process.join()
    return seconds, seen.misplaced


RQ_SEEN = None


def rq_work(caller, number, bucket):
    RQ_SEEN.take(caller, number, bucket)


async def submit_rq(begin, socket, tasks, together):
    import redis
    import rq

    queue = rq.Queue("work", connection=redis.Redis(unix_socket_path=socket))
    begin.wait()
    # One after another: its client waits for each answer, and so does its thread.
    for batches in zip(*(calls(caller, tasks, together) for caller in range(CALLERS))):
        for batch in batches:
            queue.enqueue_many([
                rq.Queue.prepare_data("peers.rq_work", args=task, result_ttl=0, job_id=f"{task[0]}-{task[1]}")
                for task in batch])


async def run_rq(socket, tasks, together):
    import logging

    import redis
    import rq

    # Its job names the function by this file's name, not by that of the program.
    import peers

    peers.RQ_SEEN = Seen(tasks)
    process, begin = submitting(submit_rq, socket, tasks, together)
    connection = redis.Redis(unix_socket_path=socket)
    # Without a process per task, which is its quickest way.
    worker = rq.SimpleWorker([rq.Queue("work", connection=connection)], connection=connection)
    logging.disable(logging.CRITICAL)
    await asyncio.sleep(1)
    start = time.monotonic()
    begin.set()
    worker.work(max_jobs=tasks)
    seconds = time.monotonic() - start
    process.join()
    return seconds, peers.RQ_SEEN.misplaced


if __name__ == "__main__":
    peer, address, tasks, together = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    seconds, misplaced = asyncio.run(globals()[f"run_{peer}"](address, tasks, together))
    print(json.dumps({"seconds": seconds, "misplaced": misplaced}))
