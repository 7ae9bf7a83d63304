// Pictures of checks and of the last ten minutes.
const MAX_CHECKS = 24, WINDOW = 600, BUCKET = 2;

// A failed check is as high as the picture, and an inconclusive one is hollow: the colour is not all that tells them apart.
function bars(checks) {
  const width = 5, height = 18, failed = checks.filter(check => check.outcome === "failure").length;
  const slowest = Math.max(1, ...checks.map(check => check.duration_ms));
  const bar = (check, at) => {
    const high = check.outcome === "failure" ? height : 3 + 9 * Math.min(1, check.duration_ms / slowest);
    return drawn("rect", { x: at * width + .5, y: height - high, width: width - 1.5, height: high, class: check.outcome },
      drawn("title", {}, `${check.trigger} ${check.outcome} ${check.reason || ""} ${check.duration_ms} ms`));
  };
  return drawn("svg", { class: "bars", role: "img", width: MAX_CHECKS * width, height, "aria-label": `last ${checks.length} checks, ${failed} failed` },
    ...checks.map(bar));
}
function plot(title, points, unit) {
  const now = Date.now() / 1000, most = Math.max(0, ...points.map(([, y]) => y)), top = Math.max(1, most);
  // A page of a host that has just started shows a minute.
  const window = Math.min(WINDOW, Math.max(60, now - (points.length ? points[0][0] : now)));
  const tenth = value => Math.round(value * 10) / 10, last = tenth(points.length ? points[points.length - 1][1] : 0);
  const told = points.length ? `${last}${unit}, at most ${tenth(most)}${unit}` : "none yet";
  const svg = drawn("svg", { class: "plot", viewBox: "0 0 600 60", preserveAspectRatio: "none", role: "img", "aria-label": `${title}: ${told}` });
  const line = points.map(([x, y]) => `${Math.max(0, 600 * (1 - (now - x) / window)).toFixed(1)},${(58 - 54 * y / top).toFixed(1)}`);
  if (line.length) {
    const area = `${line[0].split(",")[0]},60 ${line.join(" ")} ${line[line.length - 1].split(",")[0]},60`;
    svg.append(drawn("polygon", { points: area }), drawn("polyline", { points: line.join(" ") }));
  }
  return el("div", { "data-key": title }, el("div", {}, title, el("span", { class: "dim" }, " " + told)), svg);
}

// What the plots show: one sample for each look at the host, and the slowest check of every two seconds.
const samples = [], latencies = [];
function sample(at, queued, flight, total) {
  const before = samples.length ? samples[samples.length - 1].total : total;
  const ended = total.requests - before.requests;
  // Of another host, if it has fallen.
  const mean = ended > 0 ? (total.seconds - before.seconds) / ended * 1000 : null;
  samples.push({ at, queued, flight, total, mean });
}
function timed(check) {
  const bucket = Math.floor(check.at / BUCKET) * BUCKET, last = latencies[latencies.length - 1];
  if (last && last[0] >= bucket) last[1] = Math.max(last[1], check.duration_ms);
  else latencies.push([bucket, check.duration_ms]);
}
function forgetOld() {
  const oldest = Date.now() / 1000 - WINDOW;
  while (samples.length && samples[0].at < oldest) samples.shift();
  while (latencies.length && latencies[0][0] < oldest) latencies.shift();
}
function plots() {
  list($("plots"), [
    ["In the queue", samples.map(({ at, queued }) => [at, queued]), ""],
    ["Requests in flight", samples.map(({ at, flight }) => [at, flight]), ""],
    ["Mean latency of requests", samples.filter(({ mean }) => mean != null).map(({ at, mean }) => [at, mean]), " ms"],
    ["Slowest check", latencies, " ms"],
  ], ([title]) => title, parts => plot(...parts));
}
