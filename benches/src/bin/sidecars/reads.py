"""Measures reads of secrets by LiteLLM's Vault secret manager, in this process.

The first line on stdin has the expected values (`secrets`) and whether reads are cached. It is answered
after the first read. Each further line is a measurement:

- `{"reads": "sync", "seconds": S}`: `sync_read_secret`, one after the other;
- `{"reads": "async", "seconds": S, "tasks": N}`: `async_read_secret` in N tasks at once;
- `{"reads": "paced", "seconds": S, "rate": R}`: `sync_read_secret`, R times a second.

The response has the reads a second (`rate`), and in nanoseconds the CPU time per read (`cpu`) and the 99th
percentile of the latency at the fixed rate (`p99`). A wrong value ends the process.

As in `tests/interop/driver.py`, `premium_user` is set in this process, because the constructor of the secret
manager requires it.
"""

import asyncio
import itertools
import json
import os
import sys
import time

# Otherwise the import downloads a price list.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

# Keeps LiteLLM's output apart from the responses.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

from litellm.proxy import proxy_server
from litellm.secret_managers.hashicorp_secret_manager import HashicorpSecretManager


class Reads:
    def __init__(self, secrets, cached):
        self.secrets = list(secrets.items())
        self.cached = cached
        self.manager = HashicorpSecretManager()
        for secret in self.secrets if cached else self.secrets[:1]:
            self.sync(secret)

    def prepare(self, name):
        if not self.cached:
            # Keeps the token, which is in the same cache.
            self.manager.cache.delete_cache(self.manager.get_url(name))

    def sync(self, secret):
        name, value = secret
        self.prepare(name)
        check(self.manager.sync_read_secret(name), value)

    async def asynchronous(self, secret):
        name, value = secret
        self.prepare(name)
        check(await self.manager.async_read_secret(name), value)

    def measure_sync(self, seconds):
        reads, end = 0, time.perf_counter() + seconds
        for secret in itertools.cycle(self.secrets):
            if time.perf_counter() >= end:
                return reads
            self.sync(secret)
            reads += 1

    async def measure_async(self, seconds, tasks):
        # A first read by each task opens its connection.
        await asyncio.gather(*(self.asynchronous(secret) for secret in self.secrets[:tasks]))
        return await timed(self.all_tasks, seconds, tasks)

    async def all_tasks(self, seconds, tasks):
        end = time.perf_counter() + seconds
        return sum(await asyncio.gather(*(self.one_task(end, task) for task in range(tasks))))

    async def one_task(self, end, task):
        reads = 0
        for secret in itertools.cycle(self.secrets[task:] + self.secrets[:task]):
            if time.perf_counter() >= end:
                return reads
            await self.asynchronous(secret)
            reads += 1
            # A read from the cache never yields.
            await asyncio.sleep(0)

    def measure_paced(self, seconds, rate):
        """Returns the latencies, counted from the time at which a read is due."""
        latencies, start = [], time.perf_counter()
        for index in range(int(seconds * rate)):
            due = start + index / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            self.sync(self.secrets[index % len(self.secrets)])
            latencies.append(time.perf_counter() - due)
        return latencies


def check(read, expected):
    if read != expected:
        raise SystemExit(f"wrong value: {read}")


async def timed(measure, *arguments):
    """Returns the figures of a measurement that returns the number of its reads."""
    start, cpu = time.perf_counter(), time.process_time()
    reads = await measure(*arguments)
    elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"rate": reads / elapsed, "cpu": cpu / reads * 1e9}


async def answer(reads, request):
    kind = request.pop("reads")
    if kind == "async":
        return await reads.measure_async(**request)
    if kind == "paced":
        latencies = sorted(reads.measure_paced(**request))
        return {"p99": latencies[len(latencies) * 99 // 100] * 1e9}

    async def measure():
        return reads.measure_sync(**request)

    return await timed(measure)


def main():
    proxy_server.premium_user = True
    loop = asyncio.new_event_loop()
    reads = None
    for line in sys.stdin:
        request = json.loads(line)
        if reads is None:
            reads, figures = Reads(**request), {}
        else:
            figures = loop.run_until_complete(answer(reads, request))
        print(json.dumps(figures), file=answers, flush=True)


main()
