// A server that is as well as a file says: its checks fail with the text of the file while it exists.
//
// Usage: node sick.mjs FILE
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";

const file = process.argv[2];
const answers = {
  "/health": response => existsSync(file) ? response.writeHead(503).end(readFileSync(file)) : response.end("ok"),
  "/work": response => setTimeout(() => response.end("done"), 20 + 80 * Math.random()),
  // Never answers.
  "/slow": () => {},
  "/exit": () => { console.error("fatal: config reload failed"); process.exit(3); },
  "/print": response => {
    console.log("<script>document.title = 'markup'</script> <img src=x onerror=\"document.title='markup'\">");
    console.log("\u001b[31mred\u001b[0m \u202Egnissim si gnihton");
    console.log("x".repeat(1 << 20));
    response.end();
  },
};
createServer((request, response) => (answers[request.url] ?? (response => response.writeHead(404).end()))(response)).listen(process.env.PORT, "127.0.0.1");
