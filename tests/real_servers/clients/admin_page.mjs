// The live page of the admin interface, looked at in Chromium: light, dark and on a phone, with a runner that dies and a host that
// goes and comes back. axe-core judges its accessibility.
//
// Usage: node admin_page.mjs PROGRAM
import { once } from "node:events";
import { home, printed, run, start } from "./chromium.mjs";

const program = process.argv[2];

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

const live = `document.querySelector("#link")?.textContent === "live"`;
const rows = `document.querySelectorAll("#runners > tbody").length`;
const healthy = count => `${rows} === ${count} && [...document.querySelectorAll("#runners .badge")].filter(badge => badge.textContent === "healthy").length === ${count}`;
const desktop = { width: 1280, height: 1000 };

async function looks(page) {
  const small = await host(4);
  const url = `http://${small.address}/`;
  for (const scheme of ["light", "dark"]) {
    await page.show(url, live, { scheme, ...desktop });
    await page.until(healthy(4));
    await page.until(`samples[0]?.at < performance.timeOrigin / 1000`);
    await page.judge(scheme);
  }
  await page.show(url, live, { scheme: "light", width: 390, height: 844, mobile: true });
  await page.until(healthy(4));
  await page.judge("phone");

  // A runner dies while the page is open.
  await page.show(url, live, { scheme: "light", ...desktop });
  await page.until(healthy(4));
  const { runners } = await (await fetch(`${url}runners`)).json();
  process.kill(runners[1].pid, "SIGKILL");
  await page.until(`[...document.querySelectorAll("#events li")].some(item => /terminated/.test(item.textContent) && /signal 9/.test(item.textContent))`);
  await page.until(`document.querySelector("#ended").textContent.includes("runner ${runners[1].id}")`);
  await page.until(healthy(4));
  await page.judge("after an end");
  await page.evaluate(`[...document.querySelectorAll("#ended button")].find(button => button.textContent === "runner ${runners[1].id}").click()`);
  await page.until(`document.querySelector("#d-text").textContent.includes("ended: exited")`);
  await page.judge("explain");
  await page.send("Input.dispatchKeyEvent", { type: "keyDown", key: "Escape", code: "Escape", windowsVirtualKeyCode: 27 });
  await page.until(`!document.querySelector("#dialog").open`);

  // The host goes, and another one comes back.
  await stop(small);
  await page.until(`document.querySelector("#link").textContent.startsWith("no connection since ")`);
  await page.judge("without a host");
  const again = await host(2, small.address);
  await page.until(`document.querySelector("#link").textContent === "live"`);
  await page.until(healthy(2));
  await stop(again);

  const large = await host(64);
  await page.show(`http://${large.address}/`, live, { scheme: "dark", ...desktop });
  await page.until(healthy(64));
  const { runners: many } = await (await fetch(`http://${large.address}/runners`)).json();
  process.kill(many[7].pid, "SIGKILL");
  await page.until(`document.querySelector("#ended").textContent.includes("runner ${many[7].id}")`);
  await page.until(healthy(64));
  await page.judge("64 runners");
  await page.picture("page-dark");
  await stop(large);
}

await run(looks);
