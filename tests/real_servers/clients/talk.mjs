// Talks over a WebSocket with the package ws, and prints what comes back.

import { once } from "node:events";
import { createRequire } from "node:module";

const { WebSocket } = createRequire(process.env.NODE_PACKAGES)("ws");
const [url, leaves] = process.argv.slice(2);

const socket = new WebSocket(url);
await once(socket, "open");
socket.send("Guten Morgen");
console.log((await once(socket, "message"))[0].toString());
socket.send(Buffer.alloc(1 << 20, "x"));
console.log((await once(socket, "message"))[0].length);
socket.ping();
await once(socket, "pong");
if (leaves) {
  socket.send("leave");
  const [code, reason] = await once(socket, "close");
  console.log(code, reason.toString());
} else {
  socket.close(4002);
  await once(socket, "close");
}
