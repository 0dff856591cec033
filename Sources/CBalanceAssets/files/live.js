// Keeps a page as it would be after a reload: the server says that something changed, and the page fetches itself.

import { charts, localise } from "./app.js";

const root = document.querySelector("[data-live]");
const base = new URL("..", import.meta.url).pathname;
/** Where no stream can be had, the page asks this often, in milliseconds. */
const POLL = 10_000;
/** How long after its load a page goes live, in milliseconds. */
const SETTLED = 1500;
let source = null;
let timer = null;
let isBusy = false;
let isDue = false;

function say(text, isStale) {
  const place = document.querySelector("[data-live-state]");
  if (!place) return;
  place.textContent = text;
  place.classList.toggle("stale", isStale);
}

/** Replaces the parts that changed; one that the reader is in stays as it is. */
function replaceParts(fresh) {
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const own = document.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (!own || own.innerHTML === part.innerHTML || own.contains(document.activeElement)) continue;
    const selection = getSelection();
    if (!selection.isCollapsed && own.contains(selection.anchorNode)) continue;
    own.replaceChildren(...document.importNode(part, true).childNodes);
  }
}

/** Cells change in place; runs that are new wait until the reader asks for them. */
function patchRows(fresh) {
  const own = new Map([...document.querySelectorAll("tr[data-row]")].map((row) => [row.dataset.row, row]));
  const rows = [...fresh.querySelectorAll("tr[data-row]")];
  // What stands behind the last known row only moved up.
  const last = rows.findLastIndex((row) => own.has(row.dataset.row));
  let added = own.size ? 0 : rows.length;
  for (const [index, row] of rows.entries()) {
    const known = own.get(row.dataset.row);
    if (!known) { if (index < last) added += 1; continue; }
    const cells = known.querySelectorAll("td:not(.pick)");
    row.querySelectorAll("td:not(.pick)").forEach((cell, index) => {
      if (cells[index] && cells[index].innerHTML !== cell.innerHTML) cells[index].replaceChildren(...document.importNode(cell, true).childNodes);
    });
  }
  const notice = document.querySelector("[data-new-runs]");
  if (!notice) return;
  notice.hidden = added === 0;
  notice.querySelector("b").textContent = String(added);
}

/** Curves take in the points and metrics that came. */
function updateCharts(fresh) {
  const told = fresh.querySelector("[data-curves]");
  if (!told) return;
  const { runs, keys } = JSON.parse(told.dataset.curves);
  for (const chart of charts) {
    for (const run of runs) chart.update?.({ run: run.id, keys, status: run.running ? "RUNNING" : "FINISHED" });
  }
}

async function refresh() {
  if (isBusy) { isDue = true; return; }
  isBusy = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    localise(fresh);
    replaceParts(fresh);
    patchRows(fresh);
    updateCharts(fresh);
    say(root.dataset.on, false);
  } catch {
    say(`${root.dataset.off} ${new Date().toLocaleTimeString()}`, true);
  } finally {
    isBusy = false;
    if (isDue) { isDue = false; refresh(); }
  }
}

function close() {
  source?.close();
  source = null;
  clearInterval(timer);
}

function connect() {
  close();
  source = new EventSource(`${base}api/events?${root.dataset.live}`);
  source.addEventListener("open", () => { clearInterval(timer); say(root.dataset.on, false); });
  source.addEventListener("change", refresh);
  source.addEventListener("error", () => {
    say(`${root.dataset.off} ${new Date().toLocaleTimeString()}`, true);
    // A browser tries again by itself, except where it was refused.
    if (source?.readyState === EventSource.CLOSED) { clearInterval(timer); timer = setInterval(refresh, POLL); }
  });
}

if (root) {
  // A page that somebody only passes through opens no stream.
  setTimeout(() => { if (!document.hidden) { connect(); refresh(); } }, SETTLED);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else { connect(); refresh(); }
  });
}
