// Plots of the compare page: parallel coordinates, scatter, bars, params that matter. One state for all, kept in the address.
import { shortNumber } from "./chart.js";
import { Column, Figure, draw, fit, make, naturally, textWidth } from "./figure.js";
import { Parallel } from "./parallel.js";
import { Scatter, etaSquared, mean, spearman } from "./scatter.js";

// `x` and `y` of the address belong to the curves of the page; the scatter has its own names.
const QUERY = { metric: "metric", axes: "axes", x: "sx", y: "sy", colour: "colour", group: "by", log: "log" };
const LISTS = ["axes", "log"];
const MAX_AXES = 12, MAX_BARS = 50, BAR = 26, FEW = 10;

export class Plots {
  constructor(element, data) {
    Object.assign(this, { element, texts: data.texts ?? {}, runs: data.runs ?? [], hidden: new Set(), syncs: [] });
    // Below a heading of the page the blocks are one level deeper.
    this.heading = element.parentElement?.closest("section")?.querySelector("h2") ? "h3" : "h2";
    this.readColumns();
    this.readState();
    this.figures = [new Parallel(this), new Scatter(this), new Bars(this), new Matters(this)];
    element.replaceChildren(this.legend(), ...this.figures.map((figure) => figure.element));
    this.update();
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
    let width = element.clientWidth;
    new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      this.update();
    }).observe(element);
  }

  say(key, values = {}) {
    return (this.texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  readColumns() {
    const columns = (part, prefix) => [...new Set(this.runs.flatMap((run) => Object.keys(run[part] ?? {})))].sort(naturally)
      .map((name) => new Column(prefix + name, this.runs.map((run) => (Object.hasOwn(run[part] ?? {}, name) ? run[part][name] : null))));
    this.params = columns("params", "p:").filter((column) => column.spread > 0);
    // Most runs have it, it differs, and it says how good a run is.
    const worth = ({ name, present, spread }) => (name.startsWith("system/") ? 0 : 4 * present.length + 2 * (spread > 0) + /(^|[/_])(val|eval|test)/i.test(name));
    this.metrics = columns("metrics", "m:").filter((column) => column.present.length);
    this.byKey = new Map([...this.params, ...this.metrics].map((column) => [column.key, column]));
    const best = [...this.metrics].sort((left, right) => worth(right) - worth(left))[0];
    this.sortParams(best);
    const wide = ({ canLog, present }) => canLog && Math.max(...present) >= 1000 * Math.min(...present);
    const axes = this.params.slice(0, MAX_AXES);
    this.defaults = {
      metric: best?.key, axes: axes.map((column) => column.key), group: "",
      x: (axes.find((column) => !column.levels) ?? axes[0] ?? this.metrics.find((column) => column !== best) ?? best)?.key,
      y: best?.key ?? (axes[1] ?? axes[0])?.key,
      colour: this.params.find((column) => column.levels?.length <= Math.min(8, this.runs.length / 2))?.key ?? "",
      log: [...this.byKey.values()].filter(wide).map((column) => column.key),
    };
  }

  /** One param against a metric; what cannot be told has the key of the reason. */
  strength(column, metric, known) {
    const rows = known.filter((row) => column.values[row] !== null && metric?.values[row] !== null), n = rows.length;
    const measure = column.levels ? "η²" : "|ρ|", found = { name: column.name, measure, n };
    if (!metric || n < FEW) return { ...found, why: "fewShort" };
    const left = rows.map((row) => column.values[row]), right = rows.map((row) => metric.values[row]), kinds = new Set(left).size;
    // With a group for every second run the groups explain everything, whatever the values are.
    if (column.levels && kinds > n / 2) return { ...found, why: "tooMany" };
    const value = kinds < 2 ? NaN : column.levels ? etaSquared(left, right) : Math.abs(spearman(left, right));
    return Number.isNaN(value) ? { ...found, why: "constant" } : { ...found, value };
  }

  /** What varies most comes first; among those that vary much, what the metric follows most. */
  sortParams(metric) {
    const forces = new Map(this.params.map((column) => [column, this.strength(column, metric, [...this.runs.keys()]).value ?? 0]));
    const much = (column) => Math.round(Math.min(1, column.spread / Math.log(4)) * 10);
    this.params.sort((left, right) => much(right) - much(left) || forces.get(right) - forces.get(left));
  }

  /** Null is the default, which the address does not hold. */
  readState() {
    const query = new URLSearchParams(location.search);
    this.state = {};
    for (const [name, key] of Object.entries(QUERY)) {
      const kind = { metric: "m:", axes: "p:", group: "p:" }[name] ?? "";
      const known = query.getAll(key).filter((value) => value === "" || (value.startsWith(kind) && this.byKey.has(value)));
      if (LISTS.includes(name)) this.state[name] = known.length ? known.filter((value) => value) : null;
      else this.state[name] = known.find((value) => value || name === "colour" || name === "group") ?? null;
    }
  }

  set(name, value) {
    this.state[name] = value;
    const query = new URLSearchParams(location.search);
    for (const [part, key] of Object.entries(QUERY)) {
      query.delete(key);
      const held = this.state[part];
      if (held !== null) for (const item of LISTS.includes(part) ? (held.length ? held : [""]) : [held]) query.append(key, item);
    }
    history.replaceState(history.state, "", `${location.pathname}?${this.readable(query)}${location.hash}`);
    this.update();
  }

  readable(query) {
    return String(query).replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%2F", "/");
  }

  value(name) {
    return this.state[name] ?? (name === "y" ? this.state.metric : null) ?? this.defaults[name];
  }

  column(name) {
    return this.byKey.get(this.value(name));
  }

  get metric() {
    const column = this.column("metric");
    return column?.isMetric ? column : undefined;
  }

  get axes() {
    return [...new Set(this.value("axes"))].map((key) => this.byKey.get(key));
  }

  get visible() {
    return this.runs.map((_, row) => row).filter((row) => !this.hidden.has(row));
  }

  /** The sentence that stands where nothing can be drawn, or null. */
  problem(hasData, key) {
    if (!hasData) return this.say(key);
    return this.visible.length ? null : this.say("allHidden");
  }

  isLog(column) {
    return column.canLog && this.value("log").includes(column.key);
  }

  update() {
    this.syncs.forEach((sync) => sync());
    this.figures.forEach((figure) => figure.refresh());
  }

  name(row) {
    return this.runs[row].name || this.runs[row].id.slice(0, 8);
  }

  title(row) {
    return `${this.name(row)} · ${this.runs[row].id.slice(0, 8)}`;
  }

  /** As everywhere on the page: a colour is a run's place; later runs than 24 are grey. */
  slotColour(row) {
    const slot = this.runs[row].slot ?? row;
    return slot < 24 ? `var(--s${slot % 8})` : "var(--muted)";
  }

  mark(row) {
    for (const element of this.element.querySelectorAll(".on")) element.classList.remove("on");
    if (row === null) return;
    for (const element of this.element.querySelectorAll(`[data-run="${row}"]`)) element.classList.add("on");
  }

  open(row, event) {
    if (event.ctrlKey || event.metaKey) window.open(this.runs[row].link, "_blank", "noopener");
    else location.assign(this.runs[row].link);
  }

  onlyThese(rows) {
    const query = new URLSearchParams(location.search), ids = rows.map((row) => this.runs[row].id);
    query.delete("runs");
    if (!ids.includes(query.get("base"))) query.delete("base");
    const rest = this.readable(query);
    return `?runs=${ids.map(encodeURIComponent).join(",")}${rest && `&${rest}`}`;
  }

  legend() {
    const chips = this.runs.map((run, row) => {
      const dot = make("span", { className: "dot" });
      dot.style.background = this.slotColour(row);
      const chip = make("button", { type: "button", className: "chip", title: this.title(row), onclick: () => this.hide([row], !this.hidden.has(row)) },
        dot, make("span", { className: "chip-name", textContent: this.name(row) }));
      chip.dataset.run = row;
      chip.onpointerenter = chip.onfocus = () => this.mark(row);
      chip.onpointerleave = chip.onblur = () => this.mark(null);
      this.syncs.push(() => chip.setAttribute("aria-pressed", String(!this.hidden.has(row))));
      return chip;
    });
    const all = (key, isHidden) => make("button", { type: "button", className: "small", textContent: this.say(key), onclick: () => this.hide(this.runs.keys(), isHidden) });
    const group = make("div", { className: "chips plot-runs" }, ...chips);
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", this.say("runs"));
    return make("div", { className: "plot-legend" }, group, all("showAll", false), all("hideAll", true));
  }

  hide(rows, isHidden) {
    for (const row of rows) this.hidden[isHidden ? "add" : "delete"](row);
    this.update();
  }

  /** A labelled select bound to the state. `empty` is the text of the choice without a column. */
  select(label, name, empty) {
    const groups = name === "metric" ? [this.metrics] : name === "group" ? [this.params] : [this.params, this.metrics];
    const select = make("select", { onchange: () => this.set(name, select.value) });
    if (empty) select.append(make("option", { value: "", textContent: this.say(empty) }));
    for (const columns of groups.filter((list) => list.length)) {
      const options = [...columns].sort((left, right) => naturally(left.name, right.name)).map(({ key, name: text }) => make("option", { value: key, textContent: fit(text, 300) }));
      select.append(make("optgroup", { label: this.say(columns === this.metrics ? "metrics" : "params") }, ...options));
    }
    this.syncs.push(() => { select.value = this.value(name) ?? ""; });
    return make("label", { hidden: name === "metric" && !this.metrics.length }, this.say(label), select);
  }

  logBox(text, columnOf, spoken) {
    const box = make("input", { type: "checkbox" }), label = make("label", { className: "check" }, box, ` ${this.say(text)}`);
    if (spoken) box.setAttribute("aria-label", spoken);
    box.onchange = () => {
      const { key } = columnOf(), others = this.value("log").filter((other) => other !== key);
      this.set("log", box.checked ? [...others, key] : others);
    };
    label.sync = () => {
      const column = columnOf();
      box.disabled = !column?.canLog;
      box.checked = Boolean(column) && this.isLog(column);
    };
    return label;
  }
}

/** Horizontal bars with whiskers where a row has `low` and `high`. The names are drawn for the export; on the page links lie over them. */
function drawBars(svg, rows, width) {
  const gutter = Math.min(230, Math.max(110, width * 0.28)), notes = Math.max(40, ...rows.map((row) => textWidth(row.note))) + 14;
  const ends = rows.flatMap((row) => [row.value, row.low ?? row.value, row.high ?? row.value]);
  const low = Math.min(0, ...ends), high = Math.max(0, ...ends), from = gutter + 8, to = Math.max(from + 24, width - notes);
  const place = (value) => from + ((value - low) / (high - low || 1)) * (to - from);
  rows.forEach((row, index) => {
    const middle = index * BAR + BAR / 2, left = Math.min(place(row.value), place(0)), mark = row.row === undefined ? {} : { "data-run": row.row };
    const bar = draw(svg, "rect", { x: left, y: middle - 7, width: Math.max(1, Math.abs(place(row.value) - place(0))), height: 14, class: "bar-mark", ...mark });
    if (row.colour) bar.style.fill = row.colour;
    if (row.low !== undefined) draw(svg, "path", { d: `M${place(row.low)} ${middle - 5}v10m0-5H${place(row.high)}m0-5v10`, class: "middle-line" });
    draw(svg, "text", { x: 4, y: middle + 4, class: "label only-export" }, fit(row.label, gutter - 8));
    draw(svg, "text", { x: width - 4, y: middle + 4, class: "label end" }, row.note);
  });
  draw(svg, "line", { x1: place(0), x2: place(0), y1: 0, y2: rows.length * BAR, class: "axis" });
  return gutter;
}

class Bars extends Figure {
  constructor(plots) {
    super(plots, "bars");
    this.svg.removeAttribute("tabindex");
    this.names = make("ol", { className: "bar-names" });
    this.scroller.append(this.names);
    const box = make("input", { type: "checkbox", onchange: () => this.refresh() });
    this.upwards = box;
    this.controls.append(plots.select("metric", "metric"), plots.select("group", "group", "eachRun"),
      make("label", { className: "check" }, box, ` ${plots.say("smallest")}`));
  }

  refresh() {
    const { plots } = this, { metric } = plots, width = Math.max(290, this.frame.clientWidth);
    this.controls.hidden = !metric;
    if (this.say(plots.problem(metric, "noMetric"))) return;
    const group = plots.column("group"), known = plots.visible.filter((row) => metric.values[row] !== null), sign = this.upwards.checked ? 1 : -1;
    const all = (group ? this.groups(group, known, width < 560) : known.map((row) => this.single(row))).sort((left, right) => sign * (left.value - right.value));
    this.rows = this.isWhole ? all : all.slice(0, MAX_BARS);
    if (!this.begin(width, Math.max(1, this.rows.length) * BAR)) return;
    const gutter = drawBars(this.svg, this.rows, width);
    this.names.replaceChildren(...this.rows.map((row) => this.nameOf(row, gutter)));
    this.describe(all, plots.visible.length - known.length);
  }

  single(row) {
    const value = this.plots.metric.values[row];
    return { row, value, label: this.plots.name(row), note: shortNumber(value), colour: this.plots.slotColour(row) };
  }

  groups(group, known, isNarrow) {
    const { plots } = this, { values } = plots.metric;
    const places = [...new Set(known.map((row) => group.values[row]))];
    return places.map((place) => {
      const members = known.filter((row) => group.values[row] === place).map((row) => values[row]);
      const value = mean(members), low = Math.min(...members), high = Math.max(...members);
      const label = place === null ? plots.say("unset") : group.at(place), range = isNarrow ? "" : ` (${shortNumber(low)} – ${shortNumber(high)})`;
      return { value, low, high, label, note: `${shortNumber(value)}${range} · n ${members.length}` };
    });
  }

  nameOf({ row, label, note }, gutter) {
    const { plots } = this, title = row === undefined ? label : plots.title(row);
    const name = row === undefined ? make("span", { textContent: label, title })
      : make("a", { href: plots.runs[row].link, textContent: label, title, onfocus: () => plots.mark(row), onblur: () => plots.mark(null) });
    const item = make("li", {}, name, make("span", { className: "voice", textContent: note }));
    item.style.width = `${gutter - 4}px`;
    return item;
  }

  describe(all, lost) {
    const { plots } = this, values = all.map((row) => row.value), more = all.length - MAX_BARS;
    this.about = plots.metric.name;
    const range = values.length ? { low: shortNumber(Math.min(...values)), high: shortNumber(Math.max(...values)) } : { low: "–", high: "–" };
    this.svg.setAttribute("aria-label", plots.say("barsAbout", { metric: plots.metric.name, n: all.length, ...range }));
    this.note.replaceChildren(lost ? plots.say("without", { n: lost }) : "");
    if (more > 0) this.note.append(make("button", { type: "button", className: "small", textContent: this.isWhole ? plots.say("fewer") : plots.say("more", { n: more }),
      onclick: () => { this.isWhole = !this.isWhole; this.refresh(); } }));
  }

  nearest(x, y) {
    return this.rows[Math.floor(y / BAR)]?.row ?? null;
  }

  lines(row) {
    return [this.plots.title(row), `${this.plots.metric.name}: ${this.plots.metric.text(row, this.plots.say("unset"))}`];
  }
}

class Matters extends Figure {
  constructor(plots) {
    super(plots, "matters");
    this.table = make("table");
    this.scroller.replaceChildren(this.table);
    Object.assign(this.scroller, { tabIndex: 0, role: "group", ariaLabel: plots.say("matters") });
    this.controls.append(plots.select("metric", "metric"));
  }

  refresh() {
    const { plots } = this, { metric } = plots, known = metric ? plots.visible.filter((row) => metric.values[row] !== null) : [];
    const problem = !metric ? "noMetric" : !plots.params.length ? "nothing" : known.length < FEW ? "few" : null;
    if (this.say(problem && plots.say(problem, { n: known.length, least: FEW }))) return;
    this.about = metric.name;
    this.found = plots.params.map((column) => plots.strength(column, metric, known)).sort((left, right) => (right.value ?? -1) - (left.value ?? -1) || naturally(left.name, right.name));
    const cell = (tag, text, className = "") => make(tag, { textContent: text, className, ...(tag === "th" ? { scope: "col" } : {}) });
    const head = make("tr", {}, ...["param", "measure", "strength", "runCount"].map((key, index) => cell("th", plots.say(key), index > 2 ? "number" : "")));
    const rows = this.found.map((found) => make("tr", {}, make("th", { scope: "row", textContent: found.name, className: "break" }), cell("td", found.measure), this.bar(found), cell("td", found.n, "number")));
    this.table.replaceChildren(make("caption", { className: "voice", textContent: `${plots.say("matters")}: ${metric.name}` }), make("thead", {}, head), make("tbody", {}, ...rows));
    this.note.replaceChildren(plots.say("mattersAbout"));
  }

  bar({ value, why }) {
    const cell = make("td", { className: "strength" });
    if (value === undefined) return Object.assign(cell, { textContent: this.plots.say(why) });
    const bar = make("span", { className: "strength-bar" });
    bar.style.width = `${Math.round(value * 80)}px`;
    cell.append(value.toFixed(2), bar);
    return cell;
  }

  /** The table is drawn only for the export, and has to stand in the page to know its colours. */
  get picture() {
    const rows = this.found.map(({ name, measure, value, n, why }) => ({ label: name, value: value ?? 0, note: `${measure} ${value?.toFixed(2) ?? this.plots.say(why)} · n ${n}` }));
    this.begin(720, rows.length * BAR);
    this.scroller.append(this.svg);
    drawBars(this.svg, rows, 720);
    const picture = super.picture;
    this.svg.remove();
    return picture;
  }
}
