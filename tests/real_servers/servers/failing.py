"""A server that fails as the variable MODE and its requests say. Without them it answers every request."""

import http.server
import os
import signal
import socket
import sys
import threading
import time

mode = os.environ.get("MODE", "")
port = int(os.environ["PORT"])
# Exists while a failure that all servers share lasts.
flag = os.environ.get("FLAG", "")
kept = []

if mode == "import":
    import no_such_module
if mode == "deaf":
    time.sleep(1000)
if mode == "elsewhere":
    port = 0
if mode == "bad-version" and os.path.exists(flag):
    sys.exit("the new version needs a database")


def health():
    if flag and os.path.exists(flag):
        return 503, '{"detail": "redis at 10.0.0.5:6379 refuses connections"}'
    if "hang" in kept:
        time.sleep(1000)
    return 200, "ok"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        match self.path:
            case "/health":
                return self.answer(*health())
            case "/exit":
                os._exit(3)
            case "/crash":
                os.kill(os.getpid(), signal.SIGSEGV)
                # Another thread may get the signal.
                time.sleep(1000)
            case "/slow":
                time.sleep(1000)
            case "/hang":
                kept.append("hang")
            case "/leak":
                kept.append(b"x" * 100_000_000)
            case "/close":
                server.socket.shutdown(socket.SHUT_RDWR)
                server.socket.close()
            case "/healthz":
                return self.answer(404, "no such page")
        self.answer(200, "hello")

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.answer(200, "hello")


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
server.daemon_threads = True
# The thread that accepts may fail, and the others serve on.
accepting = threading.Thread(target=server.serve_forever, daemon=True)
accepting.start()
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
while True:
    time.sleep(1000)
