// Adds to pages that are complete without it: local times, chosen preferences at once, a key for the search, charts.
import { LineChart } from "./chart.js";
import "./table.js";

// Addresses as MLflow's client prints them: /#/experiments/1/runs/ID and /#/models/NAME/versions/1.
const link = location.hash.match(/^#\/(?:experiments\/([^/?]+)(?:\/runs\/([^/?]+))?|models\/([^/?]+)(?:\/versions\/(\d+))?)/);
if (link) {
  const [, experiment, run, model, version] = link;
  const home = new URL("..", import.meta.url).pathname;
  const path = run ? `runs/${run}` : model ? `models/${model}${version ? `/versions/${version}` : ""}` : `runs?experiment=${experiment}`;
  location.replace(home.replace(/\/$/, "/") + path);
}

const root = document.documentElement;
/** The charts of this page, which live data refreshes. */
export const charts = [];

/** Writes the times of a document in the browser's zone, where the reader chose that. */
export function localise(part) {
  if (root.dataset.zone !== "browser") return;
  const format = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });
  for (const time of part.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title = time.textContent;
    time.textContent = format.format(moment);
  }
}
localise(document);

const preferences = document.querySelector(".prefs");
preferences?.querySelector("button")?.setAttribute("hidden", "");
preferences?.addEventListener("change", () => preferences.requestSubmit());

document.addEventListener("keydown", (event) => {
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey) return;
  const search = document.querySelector("[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
});

for (const [name, file] of [["curves", "Curves"], ["plots", "Plots"]]) {
  for (const element of document.querySelectorAll(`[data-${name}]`)) {
    // Pages without these charts do not load their code.
    import(`./${name}.js`).then((module) => {
      element.replaceChildren();
      charts.push(new module[file](element, JSON.parse(element.dataset[name])));
    });
  }
}

for (const element of document.querySelectorAll("[data-chart]")) {
  new LineChart(element, JSON.parse(element.dataset.chart), element.dataset);
}

const policy = document.querySelector("textarea[data-check]");
if (policy) {
  const list = document.getElementById("policy-mistakes");
  let waiting;
  let latest = 0;
  const show = (texts, className) => {
    list.replaceChildren(...texts.map((text) => {
      const line = document.createElement("p");
      line.className = className;
      line.textContent = text;
      return line;
    }));
  };
  const check = async () => {
    const number = ++latest;
    const csrf = document.querySelector("input[name=csrf]")?.value ?? "";
    const answer = await fetch(policy.dataset.check, { method: "POST", body: new URLSearchParams({ text: policy.value, csrf }) });
    if (!answer.ok || number !== latest) return;
    const found = await answer.json();
    policy.setAttribute("aria-invalid", String(!found.ok));
    if (found.ok) show([`${policy.dataset.good} ${found.hash}`, ...found.warnings], "muted");
    else show(found.mistakes.map((issue) => `${issue.line}:${issue.column} ${issue.message}`), "bad");
  };
  policy.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(check, 250);
  });
  check();
}

if (document.querySelector("[data-live]")) import("./live.js");
