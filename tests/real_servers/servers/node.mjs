// A Node server: HTTP, and WebSocket by the package ws.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(process.env.NODE_PACKAGES)("ws");
const page = readFileSync(new URL("page.html", import.meta.url));

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  if (request.url === "/page") {
    response.setHeader("content-type", "text/html; charset=utf-8");
    return response.end(page);
  }
  if (request.url === "/result") console.log("browser:", body.toString());
  if (request.url === "/stream") for (let number = 0; number < 10; number++) response.write(`part ${number}\n`);
  response.end(body);
});

const sockets = new WebSocketServer({ server }).on("connection", (socket) => {
  socket.on("message", (data, isBinary) => {
    if (!isBinary && data.toString() === "leave") return socket.close(4001, "as you wish");
    socket.send(data, { binary: isBinary });
  });
  socket.on("close", (code) => console.log("left with", code));
});

process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  for (const socket of sockets.clients) socket.close(1001);
});
server.listen(process.env.PORT, "127.0.0.1");
