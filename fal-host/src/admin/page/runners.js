// The runners, those that have ended, and what stands out about them and the host.
const STATES = { IDLE: "good", RUNNING: "busy", SETUP: "warn", PENDING: "warn", DRAINING: "warn", TERMINATING: "warn", CRASH_BACKOFF: "bad" };
const VERDICTS = { healthy: "good", failing: "warn", unhealthy: "bad", unknown: "" };
const PLANNED = ["restarted", "stopped", "memory", "age", "requests", "operator", "restart_aborted"];
// The notes that are no fault.
const CALM = ["spare", "awaits_first_pass", "awaits_min_healthy", "setup", "ends", "replacement_due", "restarting", "upgrading"];
const SIGNALS = { 1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS" };

const checks = new Map();

function exit(exit) {
  if (!exit) return null;
  return typeof exit === "string" ? exit : "status" in exit ? "status " + exit.status : "signal " + exit.signal + (SIGNALS[exit.signal] ? ` (${SIGNALS[exit.signal]})` : "");
}
// What a check found, with the response of a failed one.
function found(check) {
  const what = check.outcome === "pass" ? "passed" : check.outcome === "failure" ? "failed" : check.outcome;
  return what + (check.reason ? `: ${check.reason.replaceAll("_", " ")}` : "") + (check.status ? " " + check.status : "");
}
function complaint(check) {
  return check && check.outcome !== "pass" && check.detail ? `${found(check)}: “${foreign(check.detail)}”` : null;
}
function health(runner) {
  const health = runner.health;
  if (!health) return null;
  if (health.verdict === "failing") return badge(`failing ${health.streak}/${health.failure_threshold}`, "warn");
  // A runner that cannot take the requests that wait is healthy by its checks only.
  const stuck = (runner.notes || []).find(note => ["wedged", "stalled", "full"].includes(note.kind));
  return stuck && health.verdict === "healthy" ? badge(`healthy, ${stuck.kind}`, "warn") : badge(health.verdict, VERDICTS[health.verdict]);
}
function explainButton(id) {
  return el("button", { onclick: () => explain(id), title: "Why it is in its state, or how it ended" }, "runner " + id);
}
// A row, and below it what needs the whole width.
function group(cells, columns, lines) {
  const told = lines.map(([text, kind]) => el("span", { class: "line " + (kind || "") }, text));
  return el("tbody", {}, el("tr", {}, ...cells), told.length ? el("tr", { class: "more" }, el("td", { colspan: columns }, el("div", {}, ...told))) : null);
}
function runnerRows(runner) {
  const list = checks.get(runner.id) || [], last = runner.health && runner.health.last_check;
  const lines = (runner.notes || []).map(({ kind, text }) => [foreign(text), CALM.includes(kind) ? "" : "bad"]);
  // A note may have it already.
  if (complaint(last) && !lines.some(([text]) => text.includes(foreign(last.detail)))) lines.push(["last check " + complaint(last), "bad"]);
  return group([
    el("th", { scope: "row", class: "number" }, explainButton(runner.id)), cell("Replica", String(runner.replica), "number"),
    cell("Process", runner.pid == null ? null : String(runner.pid), "number"), cell("State", badge(runner.state, STATES[runner.state])),
    cell("Health", health(runner)), cell("Checks", list.length ? bars(list) : null),
    cell("Last check", last && `${found(last)}, ${last.duration_ms} ms`, "wide"), cell("In flight", String(runner.in_flight), "right number"),
    cell("Served", number(runner.requests), "right number"), cell("Age", runner.age_seconds < 1 ? "< 1 s" : span(Math.floor(runner.age_seconds)), "right number"),
  ], 10, lines);
}
// Why a runner ended, beyond its reason.
function ending(record) {
  const last = record.checks[record.checks.length - 1];
  return [record.detail && foreign(record.detail), record.reason === "unhealthy" && !(record.detail || "").includes(last && last.detail) && complaint(last)
    && "last check " + complaint(last)].filter(Boolean);
}
function endedRows(record) {
  const planned = PLANNED.includes(record.reason);
  return group([
    el("th", { scope: "row", class: "number" }, explainButton(record.id)), cell("Replica", String(record.replica), "number"),
    cell("Reason", badge(record.oom_killed ? "out of memory" : record.reason, planned ? "" : "bad")),
    cell("Exit", (exit(record.exit) || "") + (record.core_dumped ? ", core dumped" : "")), cell("Ended at", clock(record.ended_at), "number"),
    cell("Lived", span(record.ended_at - record.started_at), "right number"), cell("Memory", bytes(record.peak_memory_bytes), "right number"),
  ], 7, ending(record).map(text => [text, planned ? "" : "bad"]));
}
// What stands out about the host: its notes, and what it has refused.
function hostLines(shown) {
  const lines = (shown.notes || []).map(({ kind, text }) => ({ key: kind, kind: CALM.includes(kind) ? "" : kind === "paused" ? "warn" : "bad", text: foreign(text) }));
  for (const { error_type, count, last_at, cause } of shown.refused || []) {
    lines.push({ key: error_type, kind: "bad", text: `${error_type}: ${number(count)} in ten minutes, the last at ${clock(last_at)}. ${foreign(cause)}` });
  }
  return lines;
}
function tiles(shown) {
  const able = shown.runners.filter(runner => !runner.spare && ["IDLE", "RUNNING"].includes(runner.state)).length;
  const serving = shown.paused ? 0 : able, all = shown.runners.filter(runner => !runner.spare).length;
  const unhealthy = shown.runners.filter(runner => runner.health && ["failing", "unhealthy"].includes(runner.health.verdict)).length;
  const full = shown.runners.filter(runner => (runner.notes || []).some(note => ["wedged", "stalled", "full"].includes(note.kind))).length;
  const flight = shown.runners.reduce((sum, runner) => sum + runner.in_flight, 0);
  const refused = shown.refused || [], refusals = refused.reduce((sum, { count }) => sum + count, 0);
  const last = Math.max(...refused.map(({ last_at }) => last_at));
  const tile = (name, value, more, kind) => ({ name, value, more, kind });
  list($("tiles"), [
    tile("take requests", `${serving} of ${all}`, shown.paused ? "paused" : "", serving ? "" : shown.paused ? "warn" : "bad"),
    tile("failing", String(unhealthy), "", unhealthy ? "bad" : ""),
    tile("requests in flight", number(flight), full ? `${full === 1 ? "1 runner" : full + " runners"} full` : "", full ? "warn" : ""),
    tile("in the queue", number(shown.queued), shown.queued_seconds ? `the first for ${span(shown.queued_seconds)}` : "", shown.queued_seconds >= 1 ? "warn" : ""),
    tile("refused or lost", number(refusals), "last 10 min" + (refusals ? `: ${refused.map(({ error_type, count }) => `${error_type} ${number(count)}`).join(", ")}; at ${clock(last)}` : ""), refusals ? "bad" : ""),
    tile("ended", String(shown.ended.length), "", ""),
  ], ({ name }) => name, ({ name, value, more, kind }) => el("div", { class: "tile " + kind }, el("span", { class: "dim" }, name), el("b", {}, value), el("span", { class: "more" }, more)));
  return { able, unhealthy: unhealthy + full };
}
