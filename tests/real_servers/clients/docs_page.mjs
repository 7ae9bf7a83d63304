// The page of an app's endpoints, looked at and used in Chromium: light, dark and on a phone. axe-core judges its accessibility.
// Every text of the app's document has markup that would change the title of the page.
//
// Usage: node docs_page.mjs PROGRAM QUICKSTART
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { home, printed, run, start } from "./chromium.mjs";

const [program, quickstart] = process.argv.slice(2);
const ready = `/endpoints?$/.test(document.querySelector("#state")?.textContent)`;
const desktop = { width: 1100, height: 900 };
const card = id => `document.getElementById(${JSON.stringify(id)})`;

/** Opens an endpoint of the page, fills its inputs in their order, and sends the request. */
async function fill(page, id, ...values) {
  await page.evaluate(`${card(id)}.open = true`);
  await page.until(`${card(id)}.querySelector("form")`);
  await page.evaluate(`{
    const inputs = ${card(id)}.querySelectorAll("form input, form select, form textarea");
    ${JSON.stringify(values)}.forEach((value, index) => { if (value !== null) inputs[index].value = value; });
    ${card(id)}.querySelector("form").requestSubmit();
  }`);
}

/** Waits for the response of an endpoint, and returns all that is shown of it. */
async function answer(page, id) {
  await page.until(`${card(id)}.querySelector("[aria-live]").textContent.includes("The same with curl")`);
  return page.evaluate(`${card(id)}.querySelector("[aria-live]").textContent`);
}

async function looks(page) {
  const app = start(program, ["serve", "--app", "documented", "--docs", "--listen", "tcp:127.0.0.1:0"]);
  app.stderr.resume();
  const [, address] = await printed(app.stdout, /serves on http:\/\/([\d.:]+)/);
  const url = `http://${address}/docs`;
  for (const scheme of ["light", "dark"]) {
    await page.show(url, ready, { scheme, ...desktop });
    await page.judge(scheme);
    await page.evaluate(`document.querySelectorAll("details.endpoint").forEach(card => { card.open = true; })`);
    await page.until(`document.querySelectorAll("details.endpoint > div:empty").length === 0`);
    await page.evaluate(`document.querySelectorAll("details details").forEach(part => { part.open = true; })`);
    await page.judge(`${scheme}, open`);
  }
  await page.show(`${url}?phone#grow`, ready, { scheme: "light", width: 390, height: 844, mobile: true });
  await page.until(`${card("grow")}.open && ${card("grow")}.querySelector("textarea")`);
  await page.judge("phone");
  await page.send("Emulation.setDeviceMetricsOverride", { width: 320, height: 700, deviceScaleFactor: 2, mobile: false });
  await page.send("Emulation.setEmulatedMedia", { features: [{ name: "forced-colors", value: "active" }, { name: "prefers-reduced-motion", value: "reduce" }] });
  await page.judge("320 px in forced colours");
  await page.send("Emulation.setDeviceMetricsOverride", { width: 390, height: 844, deviceScaleFactor: 1, mobile: true });
  await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "light" }] });
  await page.picture("docs-phone");

  await page.show(`${url}?try`, ready, { scheme: "light", ...desktop });
  // What the page proposes for a recursive type is valid.
  await fill(page, "grow");
  const grown = await answer(page, "grow");
  assert.match(grown, /200 OK after \d+ ms/);
  assert.match(grown, /"size": "<b>small<\/b>"/);
  assert.match(grown, /curl -X POST 'http:\/\/[\d.:]+\/trees' -H 'content-type: application\/json' --data-raw/);
  await page.judge("a response");
  await page.picture("docs-light");

  await fill(page, "search", "a/b?c", "<i>é & ü</i>", "one, two", "true", "tenant", "cookie");
  const found = JSON.parse(/\{[^]*\n\}/.exec(await answer(page, "search"))[0]);
  assert.deepEqual(found, {
    id: "a/b?c", search: { text: "<i>é & ü</i>", tags: ["one", "two"], exact: true }, tenant: "tenant", session: "cookie",
  });

  await fill(page, "secret");
  assert.match(await answer(page, "secret"), /401 Unauthorized/);
  await page.evaluate(`document.querySelector("#credentials input").value = "open sesame"`);
  await fill(page, "secret");
  await page.until(`${card("secret")}.querySelector("[aria-live] .good")`);
  assert.match(await answer(page, "secret"), /"<i>open sesame<\/i>"/);

  // A response that is a page is shown as its text.
  await fill(page, "text", "<script>document.title='markup'</script>");
  assert.match(await answer(page, "text"), /<script>document\.title='markup'<\/script>/);
  await fill(page, "form", "title", null, "a <b>cat</b>");
  assert.match(await answer(page, "form"), /"title=a <b>cat<\/b>"/);
  await fill(page, "picture");
  await answer(page, "picture");
  await page.until(`${card("picture")}.querySelector("img").naturalWidth === 1`);
  await fill(page, "old");
  assert.match(await answer(page, "old"), /410 Gone[^]*<b>gone<\/b>/);

  // Events are shown while they come, until the reader has enough.
  await fill(page, "count");
  await page.until(`/data: 1\\s+data: 2/.test(${card("count")}.querySelector("[aria-live]").textContent)`);
  await page.evaluate(`[...${card("count")}.querySelectorAll("button")].find(button => button.textContent === "Cancel").click()`);
  assert.match(await answer(page, "count"), /Cancelled\./);

  // With the keyboard alone.
  await page.evaluate(`{ ${card("grow")}.open = false; ${card("grow")}.querySelector("summary").focus(); }`);
  const key = type => page.send("Input.dispatchKeyEvent", { type, key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: "\r" });
  await key("keyDown");
  await key("keyUp");
  await page.until(`${card("grow")}.open`);
  await page.evaluate(`{
    const filter = document.querySelector("#filter input");
    filter.value = "SECRET";
    filter.dispatchEvent(new Event("input", { bubbles: true }));
  }`);
  assert.equal(await page.evaluate(`[...document.querySelectorAll("details.endpoint")].filter(card => card.checkVisibility()).length`), 1);
  await page.judge("after all");
  assert.equal(await page.evaluate("document.title"), `documented ${await page.evaluate("api.info.version")}`);
  assert.equal(await page.evaluate(`document.querySelectorAll("body svg, body iframe, body b > *, body script").length`), 1, "only its own script");
}

/** The quickstart, as the guide shows it. */
async function tries_the_quickstart(page) {
  const data = join(home, "journal");
  mkdirSync(data);
  const app = start(quickstart, ["serve", "--docs", "--listen", "tcp:127.0.0.1:0"], { env: { ...process.env, DATA_DIR: data } });
  app.stderr.resume();
  const [, address] = await printed(app.stdout, /serves on http:\/\/([\d.:]+)/);
  await page.show(`http://${address}/docs`, ready, { scheme: "light", ...desktop });
  await fill(page, "predict", '{\n  "text": "Guten Morgen, wie geht es Ihnen heute?"\n}');
  assert.match(await answer(page, "predict"), /"language":\s*"deu"/);
  await page.picture("docs");
}

await run(async page => {
  await looks(page);
  await tries_the_quickstart(page);
});
