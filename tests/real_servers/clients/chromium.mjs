// A page in headless Chromium, and the programs of a test.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";

const require = createRequire(process.env.NODE_PACKAGES);
const { WebSocket } = require("ws");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const screenshots = process.env.SCREENSHOTS;
const children = new Set();
/** A directory of the test, which goes with it. */
export const home = mkdtempSync(join(tmpdir(), "page-"));

/** Starts a program that ends with the test. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { detached: true, stdio: ["ignore", "pipe", "pipe"], ...options });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** Waits until a stream has printed this, and returns the match. */
export function printed(stream, pattern) {
  let text = "";
  return new Promise((resolve, reject) => {
    stream.setEncoding("utf8");
    stream.on("data", piece => {
      text += piece;
      const found = text.match(pattern);
      if (found) resolve(found);
    });
    stream.on("end", () => reject(new Error(`ended without ${pattern}: ${text}`)));
  });
}

/** A page in Chromium, over the DevTools protocol. */
export class Page {
  static async open() {
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0"];
    const browser = start("chromium", [...flags, `--user-data-dir=${join(home, "profile")}`, "about:blank"]);
    const [, url] = await printed(browser.stderr, /DevTools listening on (ws:\S+)/);
    const page = new Page();
    page.socket = new WebSocket(url);
    page.replies = new Map();
    page.errors = [];
    page.socket.on("message", data => page.receive(JSON.parse(data)));
    await once(page.socket, "open");
    const { targetId } = await page.send("Target.createTarget", { url: "about:blank" });
    ({ sessionId: page.session } = await page.send("Target.attachToTarget", { targetId, flatten: true }));
    await page.send("Page.enable");
    await page.send("Runtime.enable");
    return page;
  }

  receive(message) {
    if (message.method === "Runtime.exceptionThrown") this.errors.push(message.params.exceptionDetails);
    const reply = this.replies.get(message.id);
    if (!reply) return;
    this.replies.delete(message.id);
    message.error ? reply.reject(new Error(JSON.stringify(message.error))) : reply.resolve(message.result);
  }

  send(method, params = {}) {
    const id = (this.id = (this.id ?? 0) + 1);
    this.socket.send(JSON.stringify({ id, method, params, sessionId: this.session }));
    return new Promise((resolve, reject) => this.replies.set(id, { resolve, reject }));
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    assert(!exceptionDetails, JSON.stringify(exceptionDetails));
    return result.value;
  }

  /** Waits until an expression is true of the page, which says so after each of its changes. */
  async until(expression) {
    const waiting = `new Promise(resolve => {
      const look = () => { if (${expression}) { observer.disconnect(); resolve(true); } };
      const observer = new MutationObserver(look);
      observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      look();
    })`;
    let guard;
    const late = new Promise(resolve => { guard = setTimeout(resolve, 60_000, "late"); });
    const ended = await Promise.race([this.evaluate(waiting), late]);
    clearTimeout(guard);
    if (ended !== "late") return;
    const seen = await this.evaluate("document.body.innerText.slice(0, 3000)");
    throw new Error(`not in time: ${expression}\nerrors: ${JSON.stringify(this.errors)}\nthe page:\n${seen}`);
  }

  /** Opens a page; `ready` is true of it when it is there. */
  async show(url, ready, { scheme, width, height, mobile = false }) {
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
    await this.send("Page.navigate", { url });
    await this.until(ready);
  }

  /** Fails if axe-core finds a violation, or the page is wider than its window. */
  async judge(what) {
    await this.evaluate(axe);
    const violations = await this.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(found =>
      found.violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(node => [node.target, node.failureSummary]) })))`);
    assert.deepEqual(violations, [], `${what}: ${JSON.stringify(violations, null, 1)}`);
    assert.equal(await this.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, `${what} is too wide`);
    assert.deepEqual(this.errors, [], what);
  }

  async picture(name) {
    if (!screenshots) return;
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    writeFileSync(join(screenshots, `${name}.png`), Buffer.from(data, "base64"));
  }
}

/** Runs a test, and ends every program that it has started. */
export async function run(test) {
  let failed = null;
  try {
    await test(await Page.open());
    console.log("the page is as it should be");
  } catch (error) {
    failed = error;
  }
  for (const child of children) {
    try { process.kill(-child.pid, "SIGKILL"); } catch {}
    if (child.exitCode == null && child.signalCode == null) await once(child, "exit");
  }
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  if (failed) throw failed;
  process.exit(0);
}
