"""Sends requests, and talks over WebSockets, until its standard input closes. It prints a line when each client has begun. At the end it prints
how many requests and WebSockets there were, and each that failed.

Usage: python3 load.py URL HOST SERVER   SERVER is what the server has: `echo`, `echo+ws`, or `files` that can be uploaded
"""

import asyncio
import sys

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

BODY = b"x" * 3000
UPLOAD = b"y" * 300_000
STREAM = b"".join(b"part %d\n" % number for number in range(10))

# Longer than anything takes.
PATIENCE = 30


def steps(server, number):
    """Requests, with the expected status and body."""
    if server == "files":
        return [
            ("GET", "/", b"", {200}, b"hello"),
            ("PUT", f"/uploads/{number}", UPLOAD, {201, 204}, None),
            ("GET", "/big", b"", {200}, b"x" * (1 << 20)),
            ("GET", f"/uploads/{number}", b"", {200}, UPLOAD),
        ]
    return [
        ("POST", "/echo", BODY, {200}, BODY),
        ("GET", "/stream", b"", {200}, STREAM),
        ("POST", "/echo", UPLOAD, {200}, UPLOAD),
        ("GET", "/", b"", {200}, b""),
    ]


async def client(url, host, todo, begun, ended, failures):
    count = 0
    limits = httpx.Limits(max_keepalive_connections=4)
    async with httpx.AsyncClient(headers={"host": host} if host else {}, timeout=PATIENCE, limits=limits) as http:
        while not ended.is_set():
            method, path, body, statuses, expected = todo[count % len(todo)]
            count += 1
            try:
                response = await http.request(method, url + path, content=body)
                if response.status_code not in statuses or expected not in (None, response.content):
                    failures.append(f"{method} {path}: {response.status_code} {response.text[:200]}")
            except httpx.HTTPError as error:
                failures.append(f"{method} {path}: {error!r}")
            begun.release()
    return count


async def talker(url, begun, ended, failures):
    """Opens a WebSocket again whenever its runner has ended it. Its end has to be told."""
    count = 0
    while not ended.is_set() and not failures:
        try:
            socket = await connect(url.replace("http:", "ws:") + "/ws", open_timeout=PATIENCE, proxy=None)
        except Exception as error:
            failures.append(f"WebSocket {count}: {error!r}")
            break
        finally:
            begun.release()
        count += 1
        try:
            while not ended.is_set():
                await socket.send("Guten Morgen")
                answer = await asyncio.wait_for(socket.recv(), PATIENCE)
                if answer != "Guten Morgen":
                    failures.append(f"WebSocket {count}: {answer!r}")
                # A person is not faster.
                await asyncio.sleep(0.02)
        except ConnectionClosed:
            pass
        except TimeoutError:
            failures.append(f"WebSocket {count}: no answer, and no end")
        await socket.close()
    return count


async def main(url, host, server):
    ended, failures = asyncio.Event(), []
    begun = [asyncio.Semaphore(0) for _ in range(11 if server == "echo+ws" else 8)]
    clients = [client(url, host, steps(server, number), begun[number], ended, failures) for number in range(8)]
    talkers = [talker(url, one, ended, failures) for one in begun[8:]]
    counting = asyncio.gather(asyncio.gather(*clients), asyncio.gather(*talkers))
    for one in begun:
        await one.acquire()
    print("begun", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    ended.set()
    print(*map(sum, await counting))
    for failure in failures:
        print(failure)


asyncio.run(main(*sys.argv[1:]))
