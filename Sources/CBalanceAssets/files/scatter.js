// Two columns against each other: points, box plots over categories, rank correlation.
import { Figure, draw, drawLegend, fit, scaleOf, textWidth, tint } from "./figure.js";

const SHAPES = [
  "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0", "M-4.5-4.5h9v9h-9z",
  "M0-5.5L5.5 4.5H-5.5z", "M0-6L6 0L0 6L-6 0z",
  "M0 5.5L5.5-4.5H-5.5z", "M-2-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z"];

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function ranks(values) {
  const order = values.map((_, index) => index).sort((left, right) => values[left] - values[right]), places = [];
  for (let start = 0, end; start < order.length; start = end) {
    for (end = start + 1; end < order.length && values[order[end]] === values[order[start]];) end += 1;
    for (let index = start; index < end; index += 1) places[order[index]] = (start + end - 1) / 2;
  }
  return places;
}

/** Rank correlation; equal values share the mean of their ranks. NaN where one side does not vary. */
export function spearman(left, right) {
  const [a, b] = [ranks(left), ranks(right)], middle = (left.length - 1) / 2;
  let both = 0, squareA = 0, squareB = 0;
  a.forEach((rank, index) => {
    both += (rank - middle) * (b[index] - middle);
    squareA += (rank - middle) ** 2;
    squareB += (b[index] - middle) ** 2;
  });
  return both / Math.sqrt(squareA * squareB);
}

/** The part of the squared differences that lies between the groups. NaN where nothing varies. */
export function etaSquared(groups, values) {
  const middle = mean(values), members = Map.groupBy ? Map.groupBy(values, (_, index) => groups[index]) : grouped(groups, values);
  const whole = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  let between = 0;
  for (const group of members.values()) between += group.length * (mean(group) - middle) ** 2;
  return between / whole;
}

function grouped(keys, values) {
  const groups = new Map();
  values.forEach((value, index) => groups.set(keys[index], [...(groups.get(keys[index]) ?? []), value]));
  return groups;
}

function quantile(sorted, share) {
  const place = share * (sorted.length - 1), below = Math.floor(place);
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

export class Scatter extends Figure {
  constructor(plots) {
    super(plots, "scatter");
    const logs = [plots.logBox("logX", () => plots.column("x")), plots.logBox("logY", () => plots.column("y"))];
    logs.forEach((box) => plots.syncs.push(box.sync));
    this.controls.append(plots.select("x", "x"), plots.select("y", "y"), plots.select("colour", "colour", "byRun"), ...logs);
    this.svg.addEventListener("click", (event) => {
      // A finger clicks without having moved over the point.
      this.hover(event);
      if (this.pointed !== null) plots.open(this.pointed, event);
    });
  }

  refresh() {
    const { plots } = this, width = Math.max(300, this.frame.clientWidth);
    Object.assign(this, { x: plots.column("x"), y: plots.column("y"), hue: plots.column("colour") });
    if (this.say(plots.problem(this.x && this.y, "nothing")) || !this.begin(width, 390)) return;
    this.rows = plots.visible.filter((row) => this.x.values[row] !== null && this.y.values[row] !== null);
    this.drawAxes(width);
    if (this.x.levels && !this.y.levels) this.drawBoxes();
    this.points = new Map(this.rows.map((row) => [row, this.place(row)]));
    this.markOf = this.marks();
    for (const [row, [x, y]] of this.points) this.markOf(row)(this.svg, x, y).setAttribute("data-run", row);
    this.svg.setAttribute("height", 366 + this.drawHues(width));
    this.describe();
  }

  drawAxes(width) {
    const { svg, plots, x: xs, y: ys } = this, top = 30, bottom = 320;
    this.down = scaleOf(ys, plots.isLog(ys), this.rows, bottom - 8, top + 8, 15);
    const left = Math.min(130, width / 4, Math.max(34, ...this.down.ticks.map((tick) => textWidth(ys.at(tick)) + 14)));
    this.across = scaleOf(xs, plots.isLog(xs), this.rows, left + 10, width - 24, xs.levels ? 42 : 60);
    this.band = xs.levels ? this.across.place(1) - this.across.place(0) : 0;
    for (const tick of this.down.ticks) {
      const y = this.down.place(tick);
      draw(svg, "line", { x1: left, x2: width - 14, y1: y, y2: y, class: "grid" });
      draw(svg, "text", { x: left - 7, y: y + 4, class: "label end" }, fit(ys.at(tick), left - 10));
    }
    const room = xs.levels ? Math.max(38, this.band - 8) : 80;
    for (const tick of this.across.ticks) {
      const x = this.across.place(tick);
      draw(svg, "line", { x1: x, x2: x, y1: bottom, y2: bottom + 4, class: "axis" });
      draw(svg, "text", { x, y: bottom + 18, class: "label middle" }, fit(xs.at(tick), room));
    }
    draw(svg, "line", { x1: left, x2: width - 14, y1: bottom, y2: bottom, class: "axis" });
    draw(svg, "text", { x: 4, y: 14, class: "name" }, fit(ys.name, width - 20));
    draw(svg, "text", { x: width - 14, y: bottom + 36, class: "name end" }, fit(xs.name, width - 20));
  }

  /** Points of one category are spread by the run's number, so that a reload draws them in the same places. */
  place(row) {
    const spread = ((row * 0.618034) % 1) - 0.5, beside = this.y.levels ? 0 : Math.min(28, this.band * 0.22);
    const x = this.across.place(this.x.values[row]) + (this.x.levels ? beside + spread * Math.min(40, this.band * 0.36) : 0);
    return [x, this.down.place(this.y.values[row]) + (this.y.levels ? spread * 14 : 0)];
  }

  drawBoxes() {
    const half = Math.min(16, this.band * 0.16), { svg } = this, line = (x1, y1, x2, y2, name) => draw(svg, "line", { x1, y1, x2, y2, class: name });
    this.x.levels.forEach((_, level) => {
      const values = this.rows.filter((row) => this.x.values[row] === level).map((row) => this.y.values[row]).sort((left, right) => left - right);
      // Quarters of three values would only look like knowledge.
      if (values.length < 4) return;
      const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(values, share)), reach = 1.5 * (high - low);
      const ends = values.filter((value) => value >= low - reach && value <= high + reach), y = this.down.place;
      const x = this.across.place(level) - Math.min(28, this.band * 0.22);
      line(x, y(ends[0]), x, y(ends.at(-1)), "axis");
      draw(svg, "rect", { x: x - half, y: y(high), width: half * 2, height: Math.max(1, y(low) - y(high)), class: "box" });
      line(x - half, y(middle), x + half, y(middle), "middle-line");
    });
  }

  marks() {
    const { hue, plots } = this, scale = hue && !hue.levels && (this.hues = scaleOf(hue, plots.isLog(hue), plots.visible, 0, 1, 1));
    const mark = (shape, colour, name = "point") => (svg, x, y) => {
      const path = draw(svg, "path", { d: SHAPES[shape], transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, class: name });
      path.style.setProperty(name === "point" ? "fill" : "stroke", colour);
      return path;
    };
    this.unsetMark = mark(0, "var(--muted)", "point hollow");
    this.levelMark = (level) => mark(level % SHAPES.length, `var(--s${level % 8})`);
    return (row) => {
      const value = hue?.values[row];
      if (!hue) return mark(0, plots.slotColour(row));
      if (value === null) return this.unsetMark;
      return hue.levels ? this.levelMark(value) : mark(0, tint(scale.share(value)));
    };
  }

  drawHues(width) {
    const { hue, plots, rows } = this;
    if (hue && !hue.levels) return drawLegend(this.svg, 12, 366, width - 24, hue.name, [], this.hues);
    if (!hue) return drawLegend(this.svg, 12, 366, width - 24, plots.say("byRun"), rows.map((row) => ({ text: plots.name(row), mark: this.markOf(row) })));
    const entries = hue.levels.map((text, level) => ({ text, mark: this.levelMark(level) }));
    if (rows.some((row) => hue.values[row] === null)) entries.push({ text: plots.say("unset"), mark: this.unsetMark });
    return drawLegend(this.svg, 12, 366, width - 24, hue.name, entries);
  }

  describe() {
    const { plots, x, y, rows } = this, left = rows.map((row) => x.values[row]), right = rows.map((row) => y.values[row]), n = rows.length;
    const found = y.levels ? NaN : x.levels ? etaSquared(left, right) : spearman(left, right);
    const key = n < 3 || Number.isNaN(found) ? "noCorrelation" : x.levels ? "eta" : "spearman";
    const said = plots.say(key, { x: x.name, y: y.name, value: found.toFixed(2), n }), lost = plots.visible.length - n;
    this.about = `${y.name} / ${x.name}`;
    this.svg.setAttribute("aria-label", plots.say("scatterAbout", { x: x.name, y: y.name, n, said }));
    this.note.replaceChildren([said, lost ? plots.say("lost", { n: lost }) : "", plots.say("scatterHelp")].filter((text) => text).join(" · "));
  }

  nearest(x, y) {
    let best = null, distance = 14;
    for (const [row, [left, top]] of this.points ?? []) {
      const away = Math.hypot(left - x, top - y);
      if (away < distance) [best, distance] = [row, away];
    }
    return best;
  }

  order() {
    return [...this.rows].sort((left, right) => this.points.get(left)[0] - this.points.get(right)[0] || left - right);
  }

  spot(row) {
    return this.points.get(row);
  }

  lines(row) {
    const columns = new Set([this.x, this.y, this.hue].filter((column) => column));
    return [this.plots.title(row), ...[...columns].map((column) => `${column.name}: ${column.text(row, this.plots.say("unset"))}`)];
  }
}
