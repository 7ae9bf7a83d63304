// The page itself: it looks at its host, shows what it finds, and gives orders.
const POLL = 5000, PATIENCE = 10000, PAUSE = 1000;
let shown = null, token = sessionStorage.getItem("fal-admin-token"), takesToken = false, open = null;
// When the last look succeeded and when the last one began, and the timers of the next ones.
let seenAt = 0, lookedAt = 0, pollTimer = 0, soon = 0, looks = 0;

function render() {
  if (!shown) return;
  document.title = `${foreign(shown.app, 100)}: ${shown.runners.length} runners`;
  $("app").textContent = foreign(shown.app, 200);
  const { able, unhealthy } = tiles(shown);
  const stays = unhealthy >= able && able > 0 ? "warn" : "good";
  const state = shown.paused ? ["paused", "warn"] : shown.restart && shown.restart.status === "restarting" ? ["restarting", able ? stays : "bad"] : able ? ["serving", stays] : ["not serving", "bad"];
  $("state").textContent = state[0]; $("state").className = "badge " + state[1];
  list($("notes"), hostLines(shown), ({ key }) => key, ({ kind, text }) => el("li", { class: kind }, text));
  const restart = shown.restart && `rolling restart: ${shown.restart.status}`;
  $("runners-note").replaceChildren(...shown.restart ? [shown.restart.status === "aborted" ? badge(restart, "bad") : restart] : []);
  list($("runners"), shown.runners, runner => runner.id, runnerRows);
  const ended = [...shown.ended].reverse();
  $("ended-note").textContent = ended.length ? `the last ${ended.length}` : "no runner has ended";
  list($("ended"), ended, record => record.id, endedRows);
  plots();
  for (const id of ["host-verbs", "d-verbs"]) $(id).classList.toggle("hidden", !token);
  $("pause").classList.toggle("hidden", Boolean(shown.paused)); $("resume").classList.toggle("hidden", !shown.paused);
  $("sign-in").classList.toggle("hidden", Boolean(token) || !takesToken);
}
async function refresh() {
  clearTimeout(pollTimer); clearTimeout(soon); soon = 0;
  const look = ++looks;
  lookedAt = Date.now();
  const found = await fetch("runners", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) })
    .then(response => response.ok ? response.json() : null).catch(() => null);
  // A later look has begun meanwhile.
  if (look !== looks) return;
  pollTimer = setTimeout(refresh, POLL);
  if (found) {
    shown = found; seenAt = Date.now();
    sample(seenAt / 1000, shown.queued, shown.runners.reduce((sum, runner) => sum + runner.in_flight, 0), shown.latency);
    forgetOld();
    for (const runner of shown.runners) {
      const last = runner.health && runner.health.last_check;
      if (last && !checks.has(runner.id)) checks.set(runner.id, [last]);
    }
    for (const id of [...checks.keys()]) if (!shown.runners.some(runner => runner.id === id)) checks.delete(id);
  }
  link(Boolean(found));
  if (found) { render(); if ($("dialog").open) explain(open); }
}
// Many events come together: they cost one look, and at most one a second.
function refreshSoon() { if (!soon) soon = setTimeout(refresh, Math.max(250, lookedAt + PAUSE - Date.now())); }
function link(up) {
  const text = up ? "live" : seenAt ? `no connection since ${clock(seenAt / 1000)}` : "the host does not answer";
  if ($("link").textContent === text) return;
  $("link").textContent = text; $("link").className = "badge " + (up ? "good" : "bad"); $("state").classList.toggle("hidden", !seenAt);
  document.body.classList.toggle("loading", !seenAt); document.body.classList.toggle("stale", !up);
  $("gone").classList.toggle("hidden", up);
  $("gone").textContent = up ? "" : seenAt ? `The host has not answered since ${clock(seenAt / 1000)}. What is shown here is from then. The page tries again every ${POLL / 1000} s.`
    : `The host does not answer. The page tries again every ${POLL / 1000} s.`;
}
async function text(path) {
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  const body = await response.text();
  return response.ok ? body : JSON.parse(body).detail;
}
// Opens the panel of a runner, or follows the runner of the open one.
async function explain(id) {
  open = id;
  let [why, output] = ["The host does not answer.", ""];
  try {
    [why, output] = await Promise.all([text(`runners/${id}/explain`), text(`runners/${id}/logs`)]);
    output ||= "It has printed nothing.";
  } catch {}
  if (open !== id) return;
  const [said, box] = [foreign(why.split("\nIt printed last:\n")[0].trim(), 16384), $("d-output")];
  const isOpen = $("dialog").open && $("d-title").textContent === "Runner " + id;
  const atEnd = !isOpen || box.scrollTop + box.clientHeight >= box.scrollHeight - 4;
  $("d-title").textContent = "Runner " + id;
  if ($("d-text").textContent !== said) $("d-text").textContent = said;
  if (box.textContent !== foreign(output, 16384)) box.textContent = foreign(output, 16384);
  if (!$("dialog").open) $("dialog").showModal();
  if (atEnd) box.scrollTop = box.scrollHeight;
}
function tell(text) { $("notice").textContent = foreign(text); $("notice").classList.remove("hidden"); }
async function post(path) {
  try {
    const response = await fetch(path, { method: "POST", headers: token ? { authorization: "Bearer " + token } : {} });
    const body = await response.json().catch(() => ({}));
    const said = body.detail || (body.outcome ? `the check of runner ${body.runner}: ${body.outcome} in ${body.duration_ms} ms` : body.status);
    tell(response.ok || response.status === 502 ? `${path}: ${said}` : `refused: ${said}`);
    if (response.status === 401 || response.status === 403) { token = null; sessionStorage.removeItem("fal-admin-token"); render(); }
  } catch { tell(`${path}: the host does not answer, so it is unknown whether it has done this`); }
  refreshSoon();
}
// What was before the page was opened.
async function history() {
  const response = await fetch("history", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) }).catch(() => null);
  for (const { at, queued, in_flight, latency } of response && response.ok ? await response.json() : []) sample(at, queued, in_flight, latency);
}
// The value of a setting, after the address or the path that the host is bound to, if that is another one.
const bound = ({ value, bound }) => bound ? value == null ? bound : `${bound} (${value})` : value ?? "none";
async function configuration() {
  const response = await fetch("config").catch(() => null);
  const sections = response && response.ok ? await response.json() : {};
  const settings = Object.entries(sections).flatMap(([section, settings]) => Object.entries(settings || {}).map(([name, setting]) => ({ name: `${section}: ${name}`, ...setting })));
  list($("config"), settings, setting => setting.name, setting => el("tbody", {}, el("tr", {}, el("th", { scope: "row" }, setting.name),
    cell("Value", foreign(bound(setting)), "wide"), cell("Source", setting.source + (setting.set_by && setting.source !== "default" ? ` (${setting.set_by})` : ""), "wide"))));
  $("config").closest("section").classList.toggle("hidden", !settings.length);
  // Without a token in its settings the host takes none.
  takesToken = !settings.some(({ name, value }) => name === "host: admin_token" && value == null);
  render();
}
$("d-close").onclick = () => $("dialog").close();
$("dialog").onclick = event => { if (event.target === $("dialog")) $("dialog").close(); };
// The button that opened the panel may have moved to another table.
$("dialog").onclose = () => {
  const row = document.querySelector(`#runners [data-key="${open}"] button, #ended [data-key="${open}"] button`);
  open = null;
  if (row) row.focus();
};
document.addEventListener("click", event => {
  const { order, post: path } = event.target.dataset || {};
  if (order && open != null) { const id = open; $("dialog").close(); post(`runners/${id}/${order}`); }
  if (path) post(path.slice(1));
});
$("sign-in").onsubmit = event => {
  event.preventDefault();
  token = $("token").value.trim() || null; $("token").value = "";
  if (token) sessionStorage.setItem("fal-admin-token", token);
  render();
};
history().finally(refresh); follow(); configuration();
