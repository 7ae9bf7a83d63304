// Elements, and texts of numbers and times.
"use strict";
const $ = id => document.getElementById(id);

function el(name, props, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props || {})) {
    if (key === "class") { if (value) node.className = value; } else if (key === "label") node.dataset.label = value;
    else if (key.startsWith("on")) node[key] = value; else node.setAttribute(key, value);
  }
  node.append(...children.filter(child => child != null));
  return node;
}
function drawn(name, props, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(props)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const badge = (text, kind) => el("span", { class: "badge " + (kind || "") }, text);
const cell = (label, content, extra) => el("td", { label, class: extra }, content == null || content === "" ? "–" : content);

// What runners and clients have written, with what reorders or hides text made visible.
function foreign(text, most = 2000) {
  const shown = String(text).replace(/\u001b\[[0-9;:]*m/g, "")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, found => `\\u{${found.codePointAt(0).toString(16)}}`);
  return shown.length > most ? shown.slice(0, most) + "…" : shown;
}
// In UTC, as the log and `explain` have it. Of another day with its date.
function clock(at) {
  const [day, time] = new Date(at * 1000).toISOString().split("T");
  return (Math.abs(Date.now() / 1000 - at) < 43200 ? "" : day + " ") + time.slice(0, 8) + "Z";
}
const number = value => value.toLocaleString("en");
function span(seconds) {
  if (seconds < 1) return Math.round(seconds * 1000) + " ms";
  if (seconds < 60) return seconds.toFixed(seconds < 10 ? 1 : 0) + " s";
  const [d, h, m, s] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, Math.floor(seconds % 60)];
  return d ? `${d} d ${h} h` : h ? `${h} h ${m} min` : `${m} min ${s} s`;
}
const bytes = count => count == null ? "" : count < 2 ** 30 ? (count / 2 ** 20).toFixed(1) + " MiB" : (count / 2 ** 30).toFixed(1) + " GiB";

// Makes the old node like the fresh one. Elements that stay the same are kept, with the focus, a selection and a click that has begun.
function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (!["TBODY", "TR", "LI", "DIV", "UL"].includes(old.tagName) || old.childNodes.length !== fresh.childNodes.length) { old.replaceWith(fresh); return; }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
  before.forEach((child, at) => child.nodeType === Node.ELEMENT_NODE && after[at].nodeType === Node.ELEMENT_NODE ? patch(child, after[at])
    : child.isEqualNode(after[at]) || child.replaceWith(after[at]));
}
// Keeps the children of a list by their keys.
function list(parent, items, key, build) {
  const old = new Map([...parent.children].filter(child => child.dataset.key).map(child => [child.dataset.key, child]));
  let last = [...parent.children].findLast(child => !child.dataset.key) || null;
  for (const item of items) {
    const id = String(key(item)), fresh = build(item);
    fresh.dataset.key = id;
    let node = old.get(id);
    if (node) patch(node, fresh);
    if (!node || !node.isConnected) node = fresh;
    old.delete(id);
    const place = last ? last.nextSibling : parent.firstChild;
    if (place !== node) parent.insertBefore(node, place);
    last = node;
  }
  old.forEach(node => node.remove());
}
