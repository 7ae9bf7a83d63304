"""A server that knows nothing of its host: it listens on $PORT, has a health check, and can be made to fail it."""

import http.server
import os
import threading


class Server(http.server.BaseHTTPRequestHandler):
    healthy = True

    def do_GET(self):
        if self.path == "/hang":
            threading.Event().wait()
        self.answer(200, f"{os.getpid()} {os.environ['PORT']}")

    def do_POST(self):
        if self.path == "/break":
            Server.healthy = False
            self.answer(200, "broken")
        else:
            self.answer(200 if Server.healthy else 500, "")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


address = ("127.0.0.1", int(os.environ["PORT"]))
http.server.ThreadingHTTPServer(address, Server).serve_forever()
