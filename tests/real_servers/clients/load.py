"""Sends requests until its standard input closes. Then it prints how many there were, and each that failed."""

import asyncio
import sys

import httpx

BODY = b"x" * 3000


async def client(url, host, ended, failures):
    count = 0
    limits = httpx.Limits(max_keepalive_connections=4)
    async with httpx.AsyncClient(headers={"host": host} if host else {}, timeout=30, limits=limits) as http:
        while not ended.is_set():
            method, path, body = [("POST", "/echo", BODY), ("GET", "/stream", b""), ("GET", "/", b"")][count % 3]
            count += 1
            try:
                response = await http.request(method, url + path, content=body)
                expected = b"".join(b"part %d\n" % number for number in range(10)) if path == "/stream" else body
                if response.status_code != 200 or response.content != expected:
                    failures.append(f"{method} {path}: {response.status_code} {response.text[:200]}")
            except httpx.HTTPError as error:
                failures.append(f"{method} {path}: {error!r}")
    return count


async def main(url, host):
    ended, failures = asyncio.Event(), []
    clients = [asyncio.create_task(client(url, host, ended, failures)) for _ in range(8)]
    await asyncio.to_thread(sys.stdin.read)
    ended.set()
    print(sum(await asyncio.gather(*clients)))
    for failure in failures:
        print(failure)


asyncio.run(main(*sys.argv[1:]))
