// The learning curves of some runs: one chart a metric, and what the charts share: axis, smoothing, zoom, cursor, legend.
import { Chart, make, swatch } from "./curve.js";

const MOST_REQUESTS = 4;
const AXES = ["step", "relstep", "time", "reltime"];
const PLAIN = { x: "step", smooth: 0, log: false, out: false };
const COLOURS = ["ink", "muted", "line", "card", "select"];

export class Curves {
  /** Fills a section with the charts of `runs` and `keys`; every number comes from `endpoint`. */
  constructor(element, { endpoint, runs, keys, texts = {} }) {
    Object.assign(this, { element, endpoint, texts, zoom: null, cursor: null, pointer: null, active: null, highlight: null });
    this.text = (name, n) => (texts[name] ?? name).replace("{n}", n);
    this.runs = labelled(runs);
    this.state = readAddress();
    this.origins = new Map();
    this.hidden = new Set();
    this.charts = new Map();
    this.groups = new Map();
    this.waiting = [];
    this.running = 0;
    this.dirty = new Set();
    this.helpId = `curves-help-${Math.random().toString(36).slice(2)}`;
    this.build();
    this.observe();
    this.add(keys);
    this.apply();
  }

  // The page

  build() {
    const { text } = this, option = (value, label) => make("option", { value }, label);
    const field = (label, input, ...more) => make("label", {}, label, input, ...more);
    const box = (label, name) => field(label, (this.inputs[name] = make("input", { type: "checkbox", onchange: () => this.change({ [name]: this.inputs[name].checked }) })));
    this.inputs = {};
    this.inputs.x = make("select", { onchange: () => this.change({ x: this.inputs.x.value }) }, ...AXES.map((axis) => option(axis, text(axis))));
    this.inputs.smooth = make("input", { type: "range", min: 0, max: 0.99, step: 0.01, oninput: () => this.change({ smooth: Number(this.inputs.smooth.value) }) });
    this.amount = make("output");
    this.columns = make("select", { onchange: () => { this.element.dataset.columns = this.columns.value; } }, ...["1", "2", "3"].map((count) => option(count, count)));
    this.columns.value = this.element.dataset.columns ??= "2";
    this.search = make("input", { type: "search", placeholder: text("filter"), "aria-label": text("filter"), oninput: () => this.filter() });
    const bar = make("div", { className: "curves-bar", role: "group", "aria-label": text("options") }, this.search,
      field(text("x_axis"), this.inputs.x), field(text("smoothing"), this.inputs.smooth, this.amount), box(text("log"), "log"), box(text("outliers"), "out"),
      make("label", { className: "curves-columns" }, text("columns"), this.columns), make("button", { type: "button", className: "small", onclick: () => this.reset() }, text("reset")),
      make("details", { className: "help" }, make("summary", {}, text("keys")), make("p", { id: this.helpId }, text("help"))));
    this.legend = make("div", { className: "curves-legend", role: "group", "aria-label": text("runs") });
    this.none = make("p", { className: "message", hidden: true }, text("filter_none"));
    this.buttons = new Map(this.runs.map((run) => [run.id, this.legendButton(run)]));
    this.legend.append(...this.buttons.values());
    this.element.replaceChildren(bar, this.legend, this.none);
    this.countHoles();
  }

  legendButton(run) {
    const show = () => this.setHighlight(run.id), hide = () => this.setHighlight(null);
    return make("button", { type: "button", "aria-pressed": "true", title: run.id, onclick: () => this.toggle(run.id), onpointerenter: show, onpointerleave: hide, onfocus: show, onblur: hide },
      swatch(run), make("span", {}, run.label), make("small"));
  }

  /** Charts for keys that have none yet; those without a "/" come first, the others by what stands before their last one. */
  add(keys) {
    for (const key of keys) {
      if (this.charts.has(key)) continue;
      const chart = new Chart(this, key), group = this.groupOf(key);
      this.charts.set(key, chart);
      group.charts.push(chart);
      group.grid.append(chart.element);
      group.count.textContent = group.charts.length;
      this.sight.observe(chart.plot);
      this.sizes.observe(chart.plot);
    }
    this.owners = new Map([...this.charts.values()].map((chart) => [chart.plot, chart]));
    this.filter();
  }

  groupOf(key) {
    const name = key.includes("/") ? key.slice(0, key.lastIndexOf("/")) : "";
    if (!this.groups.has(name)) {
      const grid = make("div", { className: "grid" }), count = make("span", { className: "count" });
      const element = make("details", { className: "group", open: true }, make("summary", {}, make("strong", {}, name || this.text("ungrouped")), " ", count), grid);
      this.groups.set(name, { element, grid, count, charts: [] });
      if (name) this.element.append(element);
      else this.none.after(element);
    }
    return this.groups.get(name);
  }

  observe() {
    this.sight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) this.owners.get(target)[isIntersecting ? "enter" : "leave"]();
    }, { rootMargin: "200px" });
    this.sizes = new ResizeObserver((entries) => { for (const { target } of entries) this.redraw(this.owners.get(target)); });
    const repaint = () => { this.readColours(); this.redraw(); };
    new MutationObserver(repaint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
    const watchScale = () => matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener("change", () => { this.redraw(); watchScale(); }, { once: true });
    watchScale();
    this.readColours();
  }

  readColours() {
    const style = getComputedStyle(this.element), colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const named = Object.fromEntries(COLOURS.map((name) => [name, colour(name)]));
    this.colours = { ...named, colours: Array.from({ length: 8 }, (_, index) => colour(`s${index}`) || named.muted) };
  }

  get look() {
    const { zone } = document.documentElement.dataset, lang = document.documentElement.lang || undefined;
    return { ...this.colours, highlight: this.highlight, axis: { kind: this.state.x, zone, lang } };
  }

  // What the charts share

  get kind() { return this.state.x.endsWith("time") ? "time" : "step"; }
  get shown() { return this.runs.filter((run) => !this.hidden.has(run.id)); }

  /** Where a run's axis begins: nowhere special, or at its first point. */
  origin(id) {
    if (!this.state.x.startsWith("rel")) return 0;
    return this.origins.get(id)?.[this.kind] ?? 0;
  }

  /** Draws some chart, or all, with the next frame; those out of sight when they come into it. */
  redraw(chart) {
    for (const one of chart ? [chart] : this.charts.values()) if (one.isOnScreen) this.dirty.add(one);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const charts = [...this.dirty];
      this.dirty.clear();
      for (const one of charts) if (one.isOnScreen) one.draw();
    });
  }

  redrawOver() {
    this.overFrame ??= requestAnimationFrame(() => {
      this.overFrame = null;
      for (const chart of this.charts.values()) if (chart.isOnScreen) chart.drawOver();
    });
  }

  change(part) {
    const before = this.state.x;
    this.state = { ...this.state, ...part };
    if (this.state.x !== before) Object.assign(this, { zoom: null, cursor: null });
    this.apply();
    this.redraw();
    // Browsers refuse many changes of the address in a row, as a slider makes them.
    clearTimeout(this.writing);
    this.writing = setTimeout(() => writeAddress(this.state), 200);
    if (this.state.x !== before) for (const chart of this.charts.values()) chart.load();
  }

  apply() {
    const { x, smooth, log, out } = this.state, { inputs } = this;
    Object.assign(inputs.x, { value: x });
    Object.assign(inputs.smooth, { value: smooth });
    inputs.log.checked = log;
    inputs.out.checked = out;
    this.amount.textContent = smooth.toFixed(2);
  }

  reset() {
    this.hidden.clear();
    for (const run of this.runs) this.showPressed(run.id);
    this.zoom = null;
    this.change(PLAIN);
  }

  setZoom(range, chart) {
    this.zoom = range && this.clamped(range, chart.domain());
    this.redraw();
    clearTimeout(this.settled);
    this.settled = setTimeout(() => { for (const one of this.charts.values()) one.refine(); }, 150);
  }

  // No wider than the chart's own points, and no finer than a number can tell.
  clamped([from, to], [first, last]) {
    const least = Math.max((last - first) * 1e-7, this.kind === "time" ? 10 : 1), size = Math.max(to - from, least);
    if (size >= (last - first) * 0.999) return null;
    const start = Math.max(first, Math.min(last - size, from));
    return [start, start + size];
  }

  setCursor(x, chart = null, pointer = null) {
    Object.assign(this, { cursor: x, active: chart, pointer });
    this.redrawOver();
  }

  setHighlight(id) {
    if (this.highlight === id || this.hidden.has(id)) return;
    this.highlight = id;
    this.redraw();
  }

  toggle(id) {
    if (!this.hidden.delete(id)) this.hidden.add(id);
    this.highlight = this.hidden.has(id) ? null : id;
    this.showPressed(id);
    this.redraw();
    for (const chart of this.charts.values()) chart.refine();
  }

  showPressed(id) { this.buttons.get(id).setAttribute("aria-pressed", String(!this.hidden.has(id))); }

  /** NaN and infinities of the charts that are loaded, and whether a run still runs, beside its name. */
  countHoles() {
    for (const run of this.runs) {
      const total = { nan: 0, inf: 0 };
      for (const chart of this.charts.values()) {
        const series = chart.set.series.get(run.id);
        for (const name of ["nan", "inf"]) total[name] += series?.[name] ?? 0;
      }
      const words = [run.running && `● ${this.text("running")}`, ...["nan", "inf"].map((name) => total[name] && this.text(name, total[name]))];
      this.buttons.get(run.id).lastChild.textContent = words.filter(Boolean).join(" · ");
    }
  }

  filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const { element, charts } of this.groups.values()) {
      for (const chart of charts) chart.element.hidden = !words.every((word) => chart.key.toLowerCase().includes(word));
      const count = charts.filter((chart) => !chart.element.hidden).length;
      element.hidden = !count;
      found += count;
    }
    this.none.hidden = found > 0;
  }

  // The data

  /** At most four requests at once; what nobody waits for any more is dropped before it is sent. */
  fetch({ ids, key, px, from, to }, signal) {
    const address = new URL(this.endpoint, location.href);
    for (const id of ids) address.searchParams.append("run", id);
    for (const [name, value] of Object.entries({ key, x: this.kind, from, to, px })) if (value !== undefined) address.searchParams.set(name, value);
    return new Promise((resolve, reject) => {
      this.waiting.push({ address, signal, resolve, reject });
      this.send();
    });
  }

  send() {
    while (this.running < MOST_REQUESTS && this.waiting.length) {
      const { address, signal, resolve, reject } = this.waiting.shift();
      if (signal.aborted) { reject(signal.reason); continue; }
      this.running += 1;
      fetch(address, { signal, headers: { Accept: "application/json" } })
        .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`status ${answer.status}`))))
        .then(resolve, reject)
        .finally(() => { this.running -= 1; this.send(); });
    }
  }

  /** Files an answer's series by run. */
  take({ series }, into) {
    for (const one of series) {
      into.set(one.run, one);
      if (one.t0 !== undefined) this.origins.set(one.run, { step: one.x0, time: one.t0 });
    }
  }

  /** Asks again for some runs in the charts on screen (in the others when they come there); zoom, cursor, focus stay. */
  refresh(ids, keys) {
    for (const chart of this.charts.values()) {
      if (keys && !keys.includes(chart.key)) continue;
      for (const set of Object.values(chart.sets)) for (const id of ids) if (this.buttons.has(id)) set.stale.add(id);
    }
    for (const chart of this.charts.values()) chart.load();
  }

  /** Takes a live event { run, keys, status }; its refetch waits a second for others. */
  update({ run: id, keys, status }) {
    const run = this.runs.find((one) => one.id === id);
    if (!run) return;
    if (status) run.running = status === "RUNNING";
    this.add(keys ?? []);
    this.news ??= new Map();
    this.news.set(id, keys && this.news.get(id) !== null ? [...(this.news.get(id) ?? []), ...keys] : null);
    this.later ??= setTimeout(() => {
      const { news } = this;
      this.later = this.news = null;
      for (const [one, changed] of news) this.refresh([one], changed);
      this.countHoles();
    }, 1000);
  }
}

/** Runs with a name that tells them apart: a piece of the id where the name is missing or not alone. */
function labelled(runs) {
  const counts = new Map();
  for (const { name } of runs) counts.set(name, (counts.get(name) ?? 0) + 1);
  return runs.map((run) => ({ ...run, label: !run.name ? run.id.slice(0, 8) : counts.get(run.name) > 1 ? `${run.name} ${run.id.slice(0, 6)}` : run.name }));
}

function readAddress() {
  const query = new URLSearchParams(location.search), smooth = Number(query.get("smooth"));
  return {
    x: AXES.includes(query.get("x")) ? query.get("x") : PLAIN.x,
    smooth: smooth > 0 ? Math.min(0.99, smooth) : 0,
    log: query.get("log") === "1",
    out: query.get("out") === "clip",
  };
}

function writeAddress({ x, smooth, log, out }) {
  const address = new URL(location.href), query = address.searchParams;
  for (const [name, value] of Object.entries({ x: x !== PLAIN.x && x, smooth: smooth && String(smooth), log: log && "1", out: out && "clip" })) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  history.replaceState(history.state, "", address);
}
