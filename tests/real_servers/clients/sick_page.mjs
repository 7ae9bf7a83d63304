// The live page of a host that is not well, looked at in Chromium: what is wrong has to be seen at a glance, at any width and in any
// colours, and texts of others stay texts.
//
// Usage: node sick_page.mjs PROGRAM
import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { home, printed, run, start } from "./chromium.mjs";

const program = process.argv[2], token = "0123456789abcdef";
const server = fileURLToPath(new URL("../servers/sick.mjs", import.meta.url));
const desktop = { scheme: "light", width: 1280, height: 1000 };
const link = `document.querySelector("#link")?.textContent`, live = `${link} === "live"`;
const all = (selector, of) => `[...document.querySelectorAll(${JSON.stringify(selector)})].map(node => ${of})`;
const shows = (selector, text) => `document.querySelector(${JSON.stringify(selector)})?.textContent.includes(${JSON.stringify(text)})`;
const health = word => `${all("#runners .badge", "node.textContent")}.includes(${JSON.stringify(word)})`;
const HOSTILE = `<script>document.title="markup"</script><img src=x onerror='document.title="markup"'> \u202Egnissim\u202C \u001b[31mred\u001b[0m`;

/** A host of a server that fails while the file exists. */
async function sick(options = []) {
  const file = join(home, "sick");
  rmSync(file, { force: true });
  const args = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--check-interval", "500ms", "--start-period", "0s", "--health=GET:/health",
    "--admin-token", token, "--name", "shop", ...options, "--", "node", server, file];
  const child = start(program, args, { env: { ...process.env, XDG_RUNTIME_DIR: home } });
  child.stderr.resume();
  const [, listen, admin] = await printed(child.stdout, /http:\/\/([\d.:]+)[^]*http:\/\/([\d.:]+)\//);
  return { child, file, app: `http://${listen}`, url: `http://${admin}/`, call: path => fetch(`http://${listen}${path}`).catch(() => {}) };
}
async function stop({ child }) {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** A host as it would be seen if it answered so: in front of a real one, whose answers it changes. An answer that is `false` is the real one. */
async function behind(host, answers) {
  const front = createServer((request, response) => {
    const answer = answers[request.url.split("?")[0]];
    if (answer && answer(request, response) !== false) return;
    const { method, headers, url } = request;
    const passed = ask(new URL(url, host.url), { method, headers: { ...headers, host: new URL(host.url).host } }, from => {
      response.writeHead(from.statusCode, from.headers);
      from.pipe(response);
    });
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  });
  await once(front.listen(0, "127.0.0.1"), "listening");
  return { url: `http://127.0.0.1:${front.address().port}/`, close: () => { front.close(); front.closeAllConnections(); } };
}

const press = async (page, key, code) => {
  for (const type of ["keyDown", "keyUp"]) {
    await page.send("Input.dispatchKeyEvent", { type, key, code: key, windowsVirtualKeyCode: code, ...key === "Enter" ? { text: "\r" } : {} });
  }
};

/** Nothing that stands out is cut off, at any width and in any colours. */
async function is_never_cut(page, url, ready) {
  const lines = all(".line, .notes li, .tile .more", "[node.textContent, node.getBoundingClientRect().right, node.scrollWidth - node.clientWidth]");
  for (const width of [320, 390, 640, 800, 1024, 1150, 1280, 2560]) {
    await page.show(url, ready, { ...desktop, scheme: width % 100 ? "light" : "dark", width });
    const seen = await page.evaluate(lines);
    assert(seen.length > 0);
    for (const [text, right, hidden] of seen) assert(right <= width && hidden <= 1, `${text} is cut at ${width} px`);
    await page.judge(`${width} px`);
  }
  // A window of 1280 px at a zoom of 200 %, and colours of the user's choice.
  await page.send("Emulation.setDeviceMetricsOverride", { width: 640, height: 500, deviceScaleFactor: 2, mobile: false });
  await page.judge("200 %");
  const features = [{ name: "forced-colors", value: "active" }, { name: "prefers-reduced-motion", value: "reduce" }];
  await page.send("Emulation.setEmulatedMedia", { features });
  await page.judge("forced colours");
  assert.deepEqual(await page.evaluate(all(".badge", `getComputedStyle(node).borderTopColor === "rgba(0, 0, 0, 0)"`)).then(seen => seen.filter(Boolean)), []);
}

/** Before the first data, and while the host hangs. */
async function waits(page, host) {
  let release;
  const held = new Promise(resolve => { release = resolve; });
  let refusals = 0;
  const front = await behind(host, { "/events": (_, response) => !refusals++ && response.writeHead(503).end("{}"), "/runners": async (_, response) => { await held; response.end(await (await fetch(`${host.url}runners`)).text()); } });
  await page.show(front.url, `${link} === "loading"`, desktop);
  assert.deepEqual(await page.evaluate(all("section", "node.checkVisibility()")), [false, false, false, false, false, false]);
  await page.judge("loading");
  release();
  await page.until(live);
  assert.deepEqual(await page.evaluate(all("section", "node.checkVisibility()")), [true, true, true, true, true, true]);
  // Too many clients follow the events already: the page tries again.
  assert.equal(await page.evaluate(`document.querySelector("#events-note").textContent`), "no events now: the page tries again");
  await page.until(`${all("#events .badge", "node.textContent")}.includes("ready")`);
  front.close();
  await page.until(`/^no connection since \\d\\d:\\d\\d:\\d\\dZ$/.test(${link}) && ${shows("#gone", "What is shown here is from then")}`);

  await page.show(host.url, live, desktop);
  host.child.kill("SIGSTOP");
  await page.until(`document.body.className === "stale"`);
  await page.judge("a host that hangs");
  host.child.kill("SIGCONT");
  await page.until(`${live} && document.body.className === "" && !document.querySelector("#gone").checkVisibility()`);
}

/** Requests hold every place, and others wait or are refused. */
async function is_full(page, host) {
  await page.show(host.url, live, desktop);
  for (let slow = 0; slow < 4; slow++) host.call("/slow");
  await page.until(`${shows("#tiles", "requests in flight4")}`);
  host.call("/slow");
  await page.until(health("healthy, full"));
  await page.until(`!${health("healthy")} && ${shows("#runners", "all 2 permits are held, the oldest for")} && ${shows("#runners", "GET /slow")}`);
  assert.equal(await page.evaluate(`document.querySelector("#state").className`), "badge warn");
  const refused = await host.call("/slow");
  assert.equal(refused.status, 503);
  await page.until(`${shows("#tiles", "refused or lost1last 10 min: queue_full 1; at ")} && ${shows("#notes", "4 of 4 permits are held")}`);
  await is_never_cut(page, host.url, `${live} && ${shows("#notes", "4 of 4 permits are held")}`);
}

/** Every server has the same failure. */
async function fails(page, host) {
  await page.show(host.url, live, desktop);
  writeFileSync(host.file, `db pool exhausted: 20/20 in use ${HOSTILE}`);
  await page.until(`${all("#runners .line", "node.textContent")}.some(text => text.startsWith("last check failed: status 503: “db pool exhausted"))`);
  await page.until(`${all("#events li.loud", "node.textContent")}.some(text => text.includes("failed: status 503") && text.includes("db pool exhausted"))`);
  await page.until(`${all("#ended .line", "node.textContent")}.some(text => text.includes("db pool exhausted"))`);
  assert(!(await page.evaluate("document.body.textContent")).includes("\u202E"), "it does not reorder the page");
  await page.judge("a failure of all");
  rmSync(host.file);
  await page.until(health("healthy"));
}

/** With the keyboard and with a screen reader; and its runner dies while a panel is open. */
async function is_operated(page, host) {
  await page.show(host.url, live, desktop);
  await page.until(`${all("#runners .badge", "node.textContent")}.filter(text => text === "healthy").length === 2`);
  const { runners: [runner] } = await (await fetch(`${host.url}runners`)).json();
  await host.call("/print");
  const button = `#runners [data-key="${runner.id}"] button`;
  for (let tabs = 0; await page.evaluate(`!document.activeElement.matches(${JSON.stringify(button)})`); tabs++) {
    assert(tabs < 20, "the button of the runner is reached by Tab");
    await press(page, "Tab", 9);
  }
  await press(page, "Enter", 13);
  await page.until(`document.querySelector("#dialog").open`);
  process.kill(runner.pid, "SIGKILL");
  await page.until(shows("#d-text", "SIGKILL"));
  await page.judge("the panel of a runner that has ended");
  await press(page, "Escape", 27);
  await page.until(`!document.querySelector("#dialog").open && document.activeElement.matches(${JSON.stringify(button.replace("runners", "ended"))})`);

  const { nodes } = await page.send("Accessibility.getFullAXTree");
  const named = nodes.filter(node => !node.ignored).map(({ role, name }) => `${role.value}: ${name?.value}`);
  for (const expected of ["heading: shop", "status: ", "region: Table of runners", "table: Runners", "columnheader: Health", "table: Ended", "log: Events", `button: runner ${runner.id}`]) {
    assert(named.includes(expected), `${expected} is in ${named.join("\n")}`);
  }
  assert(named.some(name => /^image: last \d+ checks, \d+ failed$/.test(name)), named.join("\n"));

  // An operator pauses the host, and lets it go on.
  await page.evaluate(`{ const input = document.querySelector("#token"); input.value = "${token}"; input.form.requestSubmit(); document.querySelector("#pause").click(); }`);
  await page.until(`${shows("#state", "paused")} && ${shows("#tiles", "take requests0 of 2paused")} && /paused.*since.*resume/i.test(document.querySelector("#notes").textContent)`);
  await page.until(`${all("#events .badge", "node.textContent")}.includes("paused")`);
  await page.judge("paused");
  await page.evaluate(`document.querySelector("#resume").click()`);
  await page.until(`${shows("#state", "serving")} && ${shows("#tiles", "take requests2 of 2")}`);
}

/** Many events, for hours, with texts that are longer than any and hostile. */
async function is_flooded(page, host) {
  const event = (number, fields) => `data: ${JSON.stringify({ id: `1-${number}`, at: Date.now() / 1000 - 3, ...fields })}\n\n`;
  const looks = [];
  const front = await behind(host, {
    "/runners": async (_, response) => {
      looks.push(Date.now());
      const shown = await (await fetch(`${host.url}runners`)).json();
      shown.runners[0].notes = [{ kind: "setup", text: HOSTILE + "x".repeat(1 << 20) }];
      shown.ended.push({ ...shown.ended[0], id: 99, reason: "setup_failed", detail: HOSTILE + "y".repeat(1 << 20) });
      shown.app = HOSTILE;
      response.end(JSON.stringify(shown));
    },
    "/events": (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (let number = 1; number <= 20_000; number++) {
        const check = { kind: "checked", runner: number % 500, trigger: "periodic", duration_ms: 2, outcome: number % 4 ? "pass" : "failure", reason: "status", status: 500, detail: HOSTILE };
        response.write(event(number, check));
      }
      for (let number = 20_001; number <= 21_000; number++) response.write(event(number, { kind: "terminated", runner: number, reason: "exited", detail: HOSTILE }));
      response.write(event(21_001, { kind: "terminated", runner: 7, reason: "exited", detail: HOSTILE + "z".repeat(1 << 20) }));
    },
  });
  await page.show(front.url, live, desktop);
  const began = Date.now();
  await page.until(`${all("#events li", "node.textContent")}.some(text => text.includes("zzz"))`);
  await page.until(`${all("#ended .line", "node.textContent")}.some(text => text.includes("yyy"))`);
  await page.until(`checks.size <= 2`);
  assert.equal(await page.evaluate(`document.querySelectorAll("#events li").length`), 300);
  const kept = await page.evaluate(`({ arrived: arrived.length, latencies: latencies.length, samples: samples.length, length: document.body.textContent.length })`);
  assert(kept.arrived === 0 && kept.latencies < 10 && kept.samples < 130 && kept.length < 1e6, JSON.stringify(kept));
  // The page answers meanwhile, and does not ask its host for each of them.
  assert(looks.length <= 2 + (Date.now() - began) / 900, `${looks.length} looks`);
  assert.equal(await page.evaluate(`document.querySelectorAll("body img, section script, header script").length`), 0);
  assert((await page.evaluate("document.title")).includes("markup\"</script>"), "a text that is shown as it is");
  await page.judge("a flood");
  front.close();
}

/** Pictures of a host with a minute of load, where something is wrong. */
async function poses(page) {
  const host = await sick(["--runners", "3", "--max-multiplexing", "2", "--queue", "2", "--queue-timeout", "60s"]);
  await page.show(host.url, live, desktop);
  const sleep = time => new Promise(resolve => setTimeout(resolve, time));
  const asks = async () => { while (host.child.exitCode === null) { await host.call("/work"); await sleep(200); } };
  for (let client = 0; client < 4; client++) { asks(); await sleep(8_000); }
  await host.call("/exit");
  await page.until(`${all("#ended .badge", "node.textContent")}.includes("exited")`);
  await page.evaluate(`document.querySelector("#ended button").click()`);
  await page.until(shows("#d-output", "config reload failed"));
  await page.picture("page-explain");
  await page.evaluate(`document.querySelector("#dialog").close()`);
  await sleep(10_000);
  for (let slow = 0; slow < 6; slow++) host.call("/slow");
  await page.until(`${shows("#tiles", "queue_full")} && ${health("healthy, full")}`);
  // The focus went back to its button, far down.
  await page.evaluate("scrollTo(0, 0)");
  await page.picture("page-light");
  await page.send("Emulation.setDeviceMetricsOverride", { width: 390, height: 844, deviceScaleFactor: 1, mobile: true });
  await page.evaluate("scrollTo(0, 0)");
  await page.picture("page-phone");
  await stop(host);
}

await run(async page => {
  await page.send("Accessibility.enable");
  const host = await sick(["--runners", "2", "--max-multiplexing", "2", "--queue", "1", "--queue-timeout", "60s"]);
  await waits(page, host);
  await is_full(page, host);
  await fails(page, host);
  await is_operated(page, host);
  await is_flooded(page, host);
  await stop(host);
  if (process.env.SCREENSHOTS) await poses(page);
});
