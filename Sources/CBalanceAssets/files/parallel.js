// Parallel coordinates: one axis a param, the metric at the right colours the lines; ranges are brushed and combine.
import { Figure, draw, drawLegend, fit, make, naturally, scaleOf, tint } from "./figure.js";

const TOP = 44, BOTTOM = 300, UNSET = 326, HEIGHT = 366;
const LEFT = 50, RIGHT = 78, NARROWEST = 92, REACH = 16;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export class Parallel extends Figure {
  constructor(plots) {
    super(plots, "parallel");
    this.brushes = new Map();
    this.drag = null;
    this.panel = make("div", { className: "axes" });
    this.details = make("details", {}, make("summary", { textContent: plots.say("axes") }), this.panel);
    this.controls.append(plots.select("metric", "metric"));
    this.note.before(this.details);
    this.svg.addEventListener("pointerdown", (event) => this.grab(event));
    this.svg.addEventListener("pointerup", () => this.drop());
    this.svg.addEventListener("pointercancel", () => this.drop());
    this.svg.addEventListener("dblclick", (event) => this.clear(this.axisAt(this.position(event).x)));
  }

  refresh() {
    const { plots } = this;
    this.axes = [...plots.axes, ...(plots.metric ? [plots.metric] : [])];
    this.listAxes();
    if (this.say(plots.problem(this.axes.length, "nothing"))) return;
    this.draw();
  }

  draw() {
    const { plots } = this;
    const width = Math.max(this.frame.clientWidth, LEFT + RIGHT + (this.axes.length - 1) * NARROWEST);
    if (!this.begin(width, HEIGHT)) return;
    this.step = this.axes.length > 1 ? (width - LEFT - RIGHT) / (this.axes.length - 1) : NARROWEST;
    this.scales = this.axes.map((column) => scaleOf(column, plots.isLog(column), plots.visible, BOTTOM, TOP, 15));
    this.inside = plots.visible.filter((row) => this.isInside(row));
    this.drawLines();
    this.axes.forEach((column, index) => this.drawAxis(column, index));
    this.brushLayer = draw(this.svg, "g");
    this.axes.forEach((column, index) => this.drawBrush(column, index));
    if (plots.metric) drawLegend(this.svg, 12, HEIGHT - 20, width - 24, plots.metric.name, [], this.scales.at(-1));
    this.describe();
  }

  x(index) {
    return LEFT + index * this.step;
  }

  y(row, index) {
    const value = this.axes[index].values[row];
    return value === null ? UNSET : this.scales[index].place(value);
  }

  isInside(row) {
    return this.axes.every((column) => {
      const brush = this.brushes.get(column.key), value = column.values[row];
      return !brush || (value === null ? brush.unset : value >= brush.low && value <= brush.high);
    });
  }

  drawLines() {
    const { plots } = this, inside = new Set(this.inside), group = draw(this.svg, "g", { class: plots.visible.length > 60 ? "lines many" : "lines" });
    const value = plots.metric?.values, scale = this.scales.at(-1);
    this.paths = new Map();
    // The faded runs first, so that they lie below.
    for (const row of [...plots.visible.filter((row) => !inside.has(row)), ...this.inside]) {
      const places = this.axes.map((_, index) => `${this.x(index).toFixed(1)} ${this.y(row, index).toFixed(1)}`);
      if (places.length === 1) places.push(`${LEFT + 20} ${this.y(row, 0).toFixed(1)}`);
      const line = draw(group, "path", { d: `M${places.join("L")}`, "data-run": row, class: inside.has(row) ? "run" : "run out" });
      this.paths.set(row, line);
      if (value && value[row] !== null) line.style.stroke = tint(scale.share(value[row]));
      else if (value) line.setAttribute("stroke-dasharray", "4 3");
    }
  }

  drawAxis(column, index) {
    const x = this.x(index), { svg, plots } = this, scale = this.scales[index];
    draw(svg, "line", { x1: x, x2: x, y1: TOP, y2: BOTTOM, class: "axis" });
    for (const tick of scale.ticks) {
      const y = scale.place(tick);
      draw(svg, "line", { x1: x - 4, x2: x, y1: y, y2: y, class: "axis" });
      draw(svg, "text", { x: x + 6, y: y + 4, class: "label" }, fit(column.at(tick), this.step - 14));
    }
    if (column.hasMissing) {
      draw(svg, "line", { x1: x - 7, x2: x + 7, y1: UNSET, y2: UNSET, class: "axis" });
      draw(svg, "text", { x, y: UNSET + 15, class: "label middle" }, fit(plots.say("unset"), this.step - 6));
    }
    const title = draw(svg, "text", { x, y: 20, class: "name middle" }, fit(column.name, (this.step - 12) * 0.9));
    draw(title, "title", {}, `${column.name} · ${plots.say(column.isMetric ? "brushHelp" : "axisHelp")}`);
    if (plots.isLog(column)) draw(svg, "text", { x, y: 34, class: "label middle" }, plots.say("log"));
    draw(svg, "rect", { x: x - REACH, y: TOP - 6, width: REACH * 2, height: UNSET - TOP + 16, class: "hit" });
  }

  drawBrush(column, index) {
    const brush = this.brushes.get(column.key), scale = this.scales[index];
    if (!brush) return;
    const box = (top, bottom) => draw(this.brushLayer, "rect", { x: this.x(index) - 8, y: top, width: 16, height: Math.max(2, bottom - top), class: "brush" });
    const place = (value) => clamp(scale.place(clamp(value, scale.low, scale.high)), TOP, BOTTOM);
    if (brush.low <= brush.high) box(place(brush.high), place(brush.low));
    if (brush.unset && column.hasMissing) box(UNSET - 7, UNSET + 5);
  }

  /** The sentence for those who do not see the drawing, and how many runs are inside. */
  describe() {
    const { plots, inside } = this, all = plots.visible.length;
    const isBrushed = this.axes.some((column) => this.brushes.has(column.key));
    this.about = plots.metric?.name;
    this.svg.setAttribute("aria-label", plots.say("parallelAbout", { n: all, axes: this.axes.map((column) => column.name).join(", ") }));
    this.note.replaceChildren(plots.say("inside", { n: inside.length, all }));
    if (!isBrushed) return this.note.append(` · ${plots.say("parallelHelp")}`);
    if (inside.length > 1 && inside.length < all) this.note.append(make("a", { href: plots.onlyThese(inside), textContent: plots.say("only") }));
    this.note.append(make("button", { type: "button", className: "small", textContent: plots.say("clear"), onclick: () => this.clear(-1) }));
  }

  axisAt(x) {
    const index = clamp(Math.round((x - LEFT) / this.step), 0, this.axes.length - 1);
    return Math.abs(x - this.x(index)) <= REACH ? index : undefined;
  }

  /** One axis, or all of them for -1. */
  clear(index) {
    if (index === undefined) return;
    if (index < 0) this.brushes.clear();
    else this.brushes.delete(this.axes[index].key);
    this.settle();
  }

  settle() {
    this.syncs.forEach((sync) => sync());
    this.draw();
  }

  grab(event) {
    const { x, y } = this.position(event);
    if (event.button) return;
    if (y < TOP - 6) {
      const index = clamp(Math.round((x - LEFT) / this.step), 0, this.axes.length - 1);
      if (!this.axes[index].isMetric) this.drag = { column: this.axes[index] };
    } else if (this.axisAt(x) !== undefined) this.drag = { index: this.axisAt(x), from: y };
    if (this.drag) this.svg.setPointerCapture(event.pointerId);
  }

  hover(event) {
    const { x, y } = this.position(event), { drag } = this;
    if (drag?.column) this.moveTo(drag.column, Math.round((x - LEFT) / this.step));
    else if (drag && (drag.isMoving || Math.abs(y - drag.from) > 4)) {
      drag.isMoving = true;
      this.brush(drag.index, Math.min(drag.from, y), Math.max(drag.from, y));
    } else if (!drag) super.hover(event);
  }

  drop() {
    if (this.drag?.isMoving) this.settle();
    this.drag = null;
  }

  /** A brush that reaches the mark below the axis takes the runs without a value in. */
  brush(index, top, bottom) {
    const column = this.axes[index], scale = this.scales[index];
    const isOnAxis = top < BOTTOM + 6;
    this.brushes.set(column.key, {
      low: !isOnAxis ? Infinity : bottom >= BOTTOM ? -Infinity : scale.invert(bottom),
      high: !isOnAxis ? -Infinity : top <= TOP ? Infinity : scale.invert(top),
      unset: column.hasMissing && bottom > UNSET - 10,
    });
    this.fade();
  }

  /** While the pointer moves only what a brush changes is drawn anew. */
  fade() {
    this.inside = this.plots.visible.filter((row) => this.isInside(row));
    const inside = new Set(this.inside);
    for (const [row, path] of this.paths) path.classList.toggle("out", !inside.has(row));
    this.brushLayer.replaceChildren();
    this.axes.forEach((column, index) => this.drawBrush(column, index));
    this.describe();
  }

  moveTo(column, index) {
    const keys = this.plots.axes.map((axis) => axis.key), from = keys.indexOf(column.key);
    const to = clamp(index, 0, keys.length - 1);
    if (from === to) return;
    keys.splice(to, 0, ...keys.splice(from, 1));
    this.plots.set("axes", keys);
  }

  nearest(x, y) {
    const index = clamp(Math.floor((x - LEFT) / this.step), 0, Math.max(0, this.axes.length - 2));
    const share = clamp((x - this.x(index)) / this.step, 0, 1), next = Math.min(index + 1, this.axes.length - 1);
    let best = null, distance = 10;
    for (const row of this.inside) {
      const away = Math.abs(this.y(row, index) * (1 - share) + this.y(row, next) * share - y);
      if (away < distance) [best, distance] = [row, away];
    }
    return best;
  }

  order() {
    const { values } = this.axes.at(-1);
    return [...this.inside].sort((left, right) => (values[right] ?? -Infinity) - (values[left] ?? -Infinity));
  }

  spot(row) {
    const last = this.axes.length - 1;
    return [this.x(last), this.y(row, last)];
  }

  lines(row) {
    return [this.plots.title(row), ...this.axes.map((column) => `${column.name}: ${column.text(row, this.plots.say("unset"))}`)];
  }

  /** The keyboard's way to everything the pointer does: choose, move, log, range. */
  listAxes() {
    const { plots } = this, spot = document.activeElement?.dataset?.spot;
    const rest = plots.params.filter((column) => !plots.axes.includes(column)).sort((left, right) => naturally(left.name, right.name));
    const key = [...this.axes, ...rest].map((column) => column.key).join("\n") + `\n${this.axes.length}`;
    if (key === this.listed) return this.syncs.forEach((sync) => sync());
    this.listed = key;
    this.syncs = [];
    this.panel.replaceChildren(...this.axes.map((column) => this.axisRow(column, true)), ...rest.map((column) => this.axisRow(column, false)));
    // A new list must not take the focus away from who moves an axis by keys.
    if (spot) [...this.panel.querySelectorAll("[data-spot]")].find((element) => element.dataset.spot === spot)?.focus();
    this.syncs.forEach((sync) => sync());
  }

  axisRow(column, isAxis) {
    const { plots } = this, row = make("div", { className: "axis-row", role: "group", ariaLabel: column.name });
    const mark = (element, name) => {
      element.dataset.spot = `${column.key} ${name}`;
      return element;
    };
    const name = make("span", { className: "axis-name", textContent: column.name, title: column.name });
    if (column.isMetric) row.append(name);
    else {
      const box = mark(make("input", { type: "checkbox", checked: isAxis, onchange: () => this.choose(column, box.checked) }), "shown");
      row.append(make("label", { className: "check" }, box, name));
    }
    if (!isAxis) return row;
    const [low, high, ...unset] = this.rangeFields(column);
    row.append(low, high, this.logBox(column));
    if (!column.isMetric) row.append(...this.moveButtons(column, mark));
    row.append(...unset);
    return row;
  }

  moveButtons(column, mark) {
    const { plots } = this;
    const move = (text, sign, by) => mark(make("button", { type: "button", className: "small", textContent: sign, title: plots.say(text),
      ariaLabel: `${plots.say(text)}: ${column.name}`, onclick: () => this.moveTo(column, plots.axes.indexOf(column) + by) }), text);
    return [move("left", "←", -1), move("right", "→", 1)];
  }

  choose(column, isChosen) {
    const keys = this.plots.axes.map((axis) => axis.key).filter((key) => key !== column.key);
    this.brushes.delete(column.key);
    this.plots.set("axes", isChosen ? [...keys, column.key] : keys);
  }

  logBox(column) {
    const label = this.plots.logBox("log", () => column, `${column.name}: ${this.plots.say("log")}`);
    label.classList.toggle("gone", !column.canLog);
    this.syncs.push(label.sync);
    return label;
  }

  rangeFields(column) {
    const { plots } = this, changed = (change) => {
      const before = this.brushes.get(column.key) ?? { low: -Infinity, high: Infinity, unset: "unset" in change };
      const brush = { ...before, ...change };
      if (brush.low === -Infinity && brush.high === Infinity && (brush.unset || !column.hasMissing)) this.brushes.delete(column.key);
      else this.brushes.set(column.key, brush);
      this.settle();
    };
    const field = (end, open) => {
      const named = { className: "range", ariaLabel: `${column.name}: ${plots.say(end === "low" ? "from" : "to")}`, title: plots.say(end === "low" ? "from" : "to") };
      const input = column.levels
        ? make("select", named, make("option", { value: "", textContent: "–" }), ...column.levels.map((level, value) => make("option", { value, textContent: fit(level, 200) })))
        : make("input", { ...named, type: "number", step: "any", placeholder: named.title });
      input.onchange = () => changed({ [end]: input.value === "" ? open : Number(input.value) });
      this.syncs.push(() => this.showEnd(input, column, end));
      return input;
    };
    const fields = [field("low", -Infinity), field("high", Infinity)];
    if (column.hasMissing) fields.push(this.unsetField(column, changed));
    return fields;
  }

  showEnd(input, column, end) {
    const value = this.brushes.get(column.key)?.[end] ?? NaN;
    if (!Number.isFinite(value)) input.value = "";
    else input.value = column.levels ? clamp(end === "low" ? Math.ceil(value) : Math.floor(value), 0, column.levels.length - 1) : Number(value.toPrecision(6));
  }

  unsetField(column, changed) {
    const { plots } = this, choices = ["unsetWith", "unsetWithout", "unsetOnly"];
    const input = make("select", { className: "range unset", ariaLabel: `${column.name}: ${plots.say("unset")}` },
      ...choices.map((value) => make("option", { value, textContent: plots.say(value) })));
    input.onchange = () => {
      const { low, high } = this.brushes.get(column.key) ?? { low: -Infinity, high: Infinity };
      const ends = input.value === "unsetOnly" ? { low: Infinity, high: -Infinity } : low > high ? { low: -Infinity, high: Infinity } : { low, high };
      changed({ ...ends, unset: input.value !== "unsetWithout" });
    };
    this.syncs.push(() => {
      const brush = this.brushes.get(column.key);
      input.value = !brush ? "unsetWith" : !brush.unset ? "unsetWithout" : brush.low > brush.high ? "unsetOnly" : "unsetWith";
    });
    return input;
  }
}
