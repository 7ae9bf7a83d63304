// The events of the host.
const MAX_EVENTS = 300, RETRY = 5000;
const LOUD = { checked: e => e.outcome !== "pass", terminated: e => !PLANNED.includes(e.reason), stalled: 1, backoff_started: 1, replacement_deferred: 1, gave_up: 1, restart_aborted: 1, upgrade_failed: 1, limit_too_low: 1, paused: 1, abandoned: 1, kill_outlived: 1, gap: 1, log_lost: 1 };
const SILENT = ["id", "at", "kind", "runner", "checks", "started_at", "ended_at", "index", "pid"];
// Where the stream is: which host, and the number of its last event.
let epoch = null, lastNumber = 0, arrived = [], flushing = 0;

const UNITS = { _seconds: span, _bytes: bytes, _ms: value => span(value / 1000) };
function sentence(event) {
  if (event.kind === "checked") {
    return `${event.trigger} check ${found(event)}, ${span(event.duration_ms / 1000)}${event.streak ? `, ${event.streak} in a row` : ""}${event.detail ? `: “${foreign(event.detail)}”` : ""}`;
  }
  const parts = [];
  for (const [name, value] of Object.entries(event)) {
    if (SILENT.includes(name) || value == null || value === false) continue;
    const unit = Object.keys(UNITS).find(unit => name.endsWith(unit));
    const text = unit ? UNITS[unit](value) : typeof value === "object" ? exit(value) || JSON.stringify(value) : typeof value === "number" ? Math.round(value * 1000) / 1000 : value;
    parts.push(`${name.slice(0, name.length - (unit || "").length).replaceAll("_", " ")} ${foreign(text)}`);
  }
  return parts.join(", ");
}
// An event of the stream. They are shown together, and no more of them are kept than are shown.
function onEvent(event) {
  const [host, order] = (event.id || "").split("-");
  if (event.id) {
    if (epoch !== null && host !== epoch) {
      // Its runners are counted from 1 again.
      checks.clear();
      arrived.push({ at: event.at, kind: "another_host" });
    } else if (host === epoch && Number(order) <= lastNumber) return;
    [epoch, lastNumber] = [host, Number(order)];
  }
  if (event.kind === "checked") {
    const list = checks.get(event.runner) || [];
    list.push(event); if (list.length > MAX_CHECKS) list.shift();
    checks.set(event.runner, list);
    timed(event);
    // Most events are passed checks. They are shown with the next look at the runners, and cost none of their own.
    if (event.outcome === "pass") return;
  }
  arrived.push(event);
  if (arrived.length > MAX_EVENTS) arrived.shift();
  if (!flushing) flushing = setTimeout(showEvents, 100);
}
function isLoud(event) {
  const loud = LOUD[event.kind];
  return Boolean(loud && (loud === 1 || loud(event)));
}
function showEvents() {
  flushing = 0;
  const items = arrived.map(event => el("li", { class: isLoud(event) ? "loud" : "" }, el("time", { class: "dim number" }, event.at ? clock(event.at) : ""),
    el("span", { class: "number" }, event.runner ? "runner " + event.runner : "host"),
    el("span", {}, badge(event.kind.replaceAll("_", " "), isLoud(event) ? "bad" : "")), el("span", { class: "foreign" }, sentence(event))));
  const loud = arrived.filter(isLoud).pop();
  // A screen reader hears of a failure, and not of every event.
  if (loud && seenAt && loud.at > seenAt / 1000 - 60) $("announce").textContent = `${loud.runner ? "runner " + loud.runner : "host"} ${loud.kind.replaceAll("_", " ")} ${sentence(loud)}`.slice(0, 200);
  $("events").prepend(...items.reverse());
  while ($("events").children.length > MAX_EVENTS) $("events").lastChild.remove();
  arrived = [];
  refreshSoon();
}
function follow() {
  const source = new EventSource("events?after=0");
  source.onmessage = message => onEvent(JSON.parse(message.data));
  source.onopen = () => { $("events-note").textContent = "newest first; passed checks are left out"; refreshSoon(); };
  source.onerror = () => {
    $("events-note").textContent = "no events now: the page tries again";
    refreshSoon();
    // The browser tries again by itself, except after a refusal, such as one of too many clients.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, RETRY);
  };
}
