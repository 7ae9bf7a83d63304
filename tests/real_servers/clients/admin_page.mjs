// The live page of the admin interface, looked at in Chromium: light, dark and on a phone, with a runner that dies and a host that
// goes and comes back. axe-core judges its accessibility.
//
// Usage: node admin_page.mjs PROGRAM [DIRECTORY FOR SCREENSHOTS]
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
const [program, screenshots] = process.argv.slice(2);
const children = new Set();
const home = mkdtempSync(join(tmpdir(), "page-"));

function start(command, args, options = {}) {
  const child = spawn(command, args, { detached: true, stdio: ["ignore", "pipe", "pipe"], ...options });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** Waits until a stream has printed this, and returns the match. */
function printed(stream, pattern) {
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

/** A host of the program. */
async function host(runners, admin = "127.0.0.1:0") {
  const args = ["--listen", "127.0.0.1:0", "--admin", admin, "--runners", String(runners), "--check-interval", "1s"];
  const child = start(program, args, { env: { ...process.env, XDG_RUNTIME_DIR: home, FAL_LOG: "warn" } });
  child.stderr.resume();
  const [, address] = await printed(child.stdout, /runners are shown on http:\/\/([\d.:]+)\//);
  return { child, address };
}

async function stop({ child }) {
  child.kill("SIGTERM");
  await once(child, "exit");
}

/** A page in Chromium, over the DevTools protocol. */
class Page {
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
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`not in time: ${expression}`)), 60_000).unref());
    await Promise.race([this.evaluate(waiting), late]);
  }

  async show(url, { scheme, width, height, mobile = false }) {
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
    await this.send("Page.navigate", { url });
    await this.until(`document.querySelector("#link")?.textContent === "live"`);
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

const rows = `document.querySelectorAll("#runners tr").length`;
const healthy = count => `${rows} === ${count} && [...document.querySelectorAll("#runners .badge")].filter(badge => badge.textContent === "healthy").length === ${count}`;
const desktop = { width: 1280, height: 1000 };

async function looks(page) {
  const small = await host(4);
  const url = `http://${small.address}/`;
  for (const scheme of ["light", "dark"]) {
    await page.show(url, { scheme, ...desktop });
    await page.until(healthy(4));
    await page.judge(scheme);
  }
  await page.show(url, { scheme: "light", width: 390, height: 844, mobile: true });
  await page.until(healthy(4));
  await page.judge("phone");
  await page.picture("page-phone");

  // A runner dies while the page is open.
  await page.show(url, { scheme: "light", ...desktop });
  await page.until(healthy(4));
  const { runners } = await (await fetch(`${url}runners`)).json();
  process.kill(runners[1].pid, "SIGKILL");
  await page.until(`[...document.querySelectorAll("#events li")].some(item => /terminated/.test(item.textContent) && /signal 9/.test(item.textContent))`);
  await page.until(`document.querySelector("#ended").textContent.includes("runner ${runners[1].id}")`);
  await page.until(healthy(4));
  await page.judge("after an end");
  await page.picture("page-light");
  await page.evaluate(`[...document.querySelectorAll("#ended button")].find(button => button.textContent === "runner ${runners[1].id}").click()`);
  await page.until(`document.querySelector("#d-text").textContent.includes("ended: exited")`);
  await page.judge("explain");
  await page.picture("page-explain");
  await page.send("Input.dispatchKeyEvent", { type: "keyDown", key: "Escape", code: "Escape", windowsVirtualKeyCode: 27 });
  await page.until(`!document.querySelector("#dialog").open`);

  // The host goes, and another one comes back.
  await stop(small);
  await page.until(`document.querySelector("#link").textContent === "the host does not answer"`);
  await page.judge("without a host");
  const again = await host(2, small.address);
  await page.until(`document.querySelector("#link").textContent === "live"`);
  await page.until(healthy(2));
  await stop(again);

  const large = await host(64);
  await page.show(`http://${large.address}/`, { scheme: "dark", ...desktop });
  await page.until(healthy(64));
  await page.judge("64 runners");
  await page.picture("page-dark");
  await stop(large);
}

let failed = null;
try {
  await looks(await Page.open());
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
