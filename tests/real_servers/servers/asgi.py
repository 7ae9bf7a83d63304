"""An ASGI app for uvicorn: HTTP and WebSocket."""

import pathlib

PAGE = pathlib.Path(__file__).with_name("page.html").read_bytes()


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await talk(receive, send)
    elif scope["type"] == "http":
        await respond(scope["path"], receive, send)
    else:
        await lifespan(receive, send)


async def respond(path, receive, send):
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    content_type = b"text/plain"
    if path == "/page":
        body, content_type = PAGE, b"text/html; charset=utf-8"
    elif path == "/result":
        print("browser:", body.decode(), flush=True)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})
    if path == "/stream":
        for number in range(10):
            await send({"type": "http.response.body", "body": b"part %d\n" % number, "more_body": True})
    await send({"type": "http.response.body", "body": body})


async def talk(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            print("left with", message["code"], flush=True)
            return
        if message.get("text") == "leave":
            await send({"type": "websocket.close", "code": 4001, "reason": "as you wish"})
            return
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})


async def lifespan(receive, send):
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
