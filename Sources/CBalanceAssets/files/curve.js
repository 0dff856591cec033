// One chart of a metric over many runs: what it asks for, its canvas, its pointer and keys, its menu and table.
import { shortNumber } from "./chart.js";
import { Frame, boundsOf, dashOf, domainOf, drawPlot, lineOf, nearest, placeText } from "./lines.js";

const MOST_ROWS = 10, MOST_TOLD = 5;
const MARGIN = 0.1;
const COLUMNS = 600;
const SVG = "http://www.w3.org/2000/svg";

/** An element with properties or attributes. Children that are texts become text nodes: names from data stay text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** A piece of a run's line, in its colour and dashes. */
export function swatch(run) {
  const picture = document.createElementNS(SVG, "svg"), line = document.createElementNS(SVG, "line");
  for (const [name, value] of Object.entries({ x1: 0, y1: 5, x2: 22, y2: 5, "stroke-dasharray": dashOf(run.slot).join(" ") })) line.setAttribute(name, value);
  picture.setAttribute("aria-hidden", "true");
  picture.setAttribute("class", "curve-swatch");
  picture.style.stroke = `var(--s${run.slot % 8}, var(--muted))`;
  picture.append(line);
  return picture;
}

export class Chart {
  constructor(owner, key) {
    this.owner = owner;
    this.key = key;
    const ids = owner.runs.map((run) => run.id);
    const nothing = () => ({ series: new Map(), stale: new Set(ids) });
    this.sets = { step: nothing(), time: nothing() };
    this.detail = null;
    this.isOnScreen = this.isLoading = this.hasFailed = false;
    this.fingers = new Map();
    this.drag = null;
    this.build();
    this.listen();
  }

  build() {
    const { owner, key } = this, { text } = owner;
    const button = (label, onclick, more) => make("button", { type: "button", className: "small", onclick, ...more }, label);
    this.canvas = make("canvas", { tabIndex: 0, role: "img", "aria-label": key, "aria-describedby": owner.helpId });
    this.over = make("canvas", { className: "over", "aria-hidden": "true" });
    this.tip = make("div", { className: "tip", hidden: true });
    this.message = make("p", { className: "message", hidden: true });
    this.said = make("span", { className: "said", role: "status" });
    this.plot = make("div", { className: "curve-plot" }, this.canvas, this.over, this.message, this.tip, this.said);
    this.note = make("span", { className: "note" });
    this.unzoom = button(text("reset_zoom"), () => owner.setZoom(null, this), { hidden: true });
    this.widen = button(text("expand"), () => this.toggleWide(), { "aria-pressed": "false", className: "small widen" });
    this.menu = make("details", { className: "menu" }, make("summary", { className: "button small" }, text("export")),
      make("div", {}, ...["PNG", "SVG", "CSV"].map((kind) => button(kind, () => this.save(kind)))));
    this.rows = make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": `${text("table")}: ${key}` });
    this.table = make("details", { className: "points" }, make("summary", {}, text("table")), this.rows);
    this.element = make("figure", { className: "curve" },
      make("figcaption", {}, make("strong", { title: key }, key), this.note, this.unzoom, this.widen, this.menu), this.plot, this.table);
  }

  listen() {
    const { canvas, menu } = this;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("pointercancel", (event) => { this.fingers.delete(event.pointerId); this.drag = null; this.owner.redraw(this); });
    canvas.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch" && !this.drag) this.owner.setCursor(null); });
    canvas.addEventListener("dblclick", () => this.owner.setZoom(null, this));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.type(event));
    canvas.addEventListener("blur", () => { this.owner.setCursor(null); this.owner.setHighlight(null); });
    this.table.addEventListener("toggle", () => this.fillTable());
    menu.addEventListener("focusout", (event) => { if (!menu.contains(event.relatedTarget)) menu.open = false; });
    menu.addEventListener("keydown", (event) => { if (event.key === "Escape") { menu.open = false; menu.firstChild.focus(); } });
  }

  // What is asked for

  get set() { return this.sets[this.owner.kind]; }

  enter() {
    this.isOnScreen = true;
    this.owner.redraw(this);
    this.load();
    this.refine();
  }

  /** Out of sight nothing is asked for, and a canvas holds no memory. */
  leave() {
    this.isOnScreen = false;
    this.loading?.abort();
    this.refining?.abort();
    for (const canvas of [this.canvas, this.over]) canvas.width = canvas.height = 0;
  }

  /** Asks for the runs that are stale: one request at a time, and again where more became stale meanwhile. */
  async load() {
    const { set } = this, ids = [...set.stale];
    if (this.isLoading || !ids.length || !this.isOnScreen) return;
    this.isLoading = true;
    this.hasFailed = false;
    set.stale.clear();
    this.loading = new AbortController();
    const slow = setTimeout(() => this.show(), 300);
    try {
      const answer = await this.owner.fetch({ ids, key: this.key, px: COLUMNS }, this.loading.signal);
      for (const id of ids) set.series.delete(id);
      this.owner.take(answer, set.series);
    } catch (error) {
      for (const id of ids) set.stale.add(id);
      this.hasFailed = error.name !== "AbortError";
    }
    clearTimeout(slow);
    this.isLoading = false;
    this.owner.redraw(this);
    this.owner.countHoles();
    if (this.hasFailed) return;
    this.load();
    this.refine(true);
  }

  /** Asks for finer points of what is zoomed, where the whole curve is thinned. Relative axes ask once for each origin. */
  async refine(isStale = false) {
    const { owner, detail } = this, { zoom, kind, state } = owner;
    this.refining?.abort();
    if (!zoom || !this.isOnScreen) return;
    const range = [zoom[0] - MARGIN * (zoom[1] - zoom[0]), zoom[1] + MARGIN * (zoom[1] - zoom[0])];
    const isFine = detail?.x === state.x && this.covers(zoom) && detail.to - detail.from < 1.3 * (range[1] - range[0]);
    const groups = new Map();
    for (const { id } of owner.shown) {
      if (this.set.series.get(id)?.lo) groups.set(owner.origin(id), [...(groups.get(owner.origin(id)) ?? []), id]);
    }
    if (!groups.size || (isFine && !isStale)) return;
    const { signal } = (this.refining = new AbortController()), series = new Map();
    try {
      await Promise.all([...groups].map(async ([origin, ids]) => {
        const [from, to] = [Math.floor(range[0] + origin), Math.ceil(range[1] + origin)];
        owner.take(await owner.fetch({ ids, key: this.key, px: COLUMNS * (1 + 2 * MARGIN), from, to }, signal), series);
      }));
    } catch { return; } // The coarse picture stays.
    if (signal.aborted || kind !== owner.kind) return;
    this.detail = { x: state.x, from: range[0], to: range[1], series };
    owner.redraw(this);
  }

  covers([from, to]) { return this.detail.from <= from && this.detail.to >= to; }

  // What is drawn

  /** The lines of the runs that are switched on, from the finer points where these cover the view. */
  lines() {
    const { owner, detail } = this, { zoom, state } = owner;
    const fine = zoom && detail?.x === state.x && this.covers(zoom) ? detail.series : null;
    return owner.shown.flatMap((run) => {
      // Between two points there is nothing finer, but a line.
      const found = fine?.get(run.id), series = found?.X?.length ? found : this.set.series.get(run.id);
      return series ? [lineOf(series, run, owner.origin(run.id), state.smooth)] : [];
    });
  }

  domain(lines = this.lines()) { return domainOf(lines, this.owner.kind === "time" ? 2000 : 2); }

  view(lines) {
    const { zoom, state } = this.owner, [from, to] = zoom ?? this.domain(lines);
    return { from, to, log: state.log, out: state.out };
  }

  draw() {
    const { owner, canvas } = this, { clientWidth: width, clientHeight: height } = this.plot;
    if (!width || !height) return;
    const pen = clean(canvas, width, height), lines = this.drawn = this.lines();
    const view = this.view(lines), bounds = boundsOf(lines, view);
    this.frame = this.hasPoints ? new Frame(pen, width, height, view, bounds) : null;
    if (this.frame) drawPlot(pen, this.frame, lines, { ...owner.look, hair: 1 / (window.devicePixelRatio || 1) });
    this.show();
    this.describe();
    this.drawOver();
    if (this.table.open) this.fillTable();
  }

  get hasPoints() { return this.drawn?.some((line) => line.X.length || line.nanX.length || line.infX.length); }

  show() {
    const { owner, drawn = [] } = this;
    const words = this.hasFailed ? "failed" : this.hasPoints ? null : this.isLoading || this.set.stale.size ? "loading" : "empty";
    this.message.hidden = !words;
    const retry = () => make("button", { type: "button", className: "small", onclick: () => this.load() }, owner.text("retry"));
    if (words) this.message.replaceChildren(owner.text(words), ...(this.hasFailed ? [" ", retry()] : []));
    this.unzoom.hidden = !owner.zoom;
    const sum = (count) => drawn.reduce((total, line) => total + count(line), 0);
    const counts = { nan: sum((line) => line.nan), inf: sum((line) => line.inf), clipped: sum((line) => line.over.length + line.under.length) };
    this.note.textContent = Object.entries(counts).filter(([, n]) => n).map(([name, n]) => owner.text(name, n)).join(" · ");
  }

  describe() {
    const { text } = this.owner, told = this.drawn.slice(0, MOST_TOLD).map((line) => {
      const { L, lo = L, hi = L } = line, { from, to } = line.span;
      if (!L.length) return `${line.run.label} –`;
      const values = { first: L[from], last: L[to], min: Math.min(...lo.slice(from, to + 1)), max: Math.max(...hi.slice(from, to + 1)) };
      return `${line.run.label} ${Object.entries(values).map(([name, value]) => `${text(name)} ${shortNumber(value)}`).join(", ")}`;
    });
    if (this.drawn.length > MOST_TOLD) told.push(text("more", this.drawn.length - MOST_TOLD));
    this.canvas.setAttribute("aria-label", `${this.key}: ${told.join("; ") || text("empty")}`);
  }

  /** Cursor, dots and selection lie on a canvas of their own: the lines are not drawn again for a move. */
  drawOver() {
    const { owner, frame, plot } = this, { cursor, look } = owner;
    const pen = clean(this.over, plot.clientWidth, plot.clientHeight), { drag } = this;
    if (!frame) return void (this.tip.hidden = true);
    if (drag?.kind === "zoom") {
      pen.fillStyle = look.select;
      pen.fillRect(drag.start, frame.top, drag.now - drag.start, frame.bottom - frame.top);
    }
    const isShown = cursor !== null && cursor >= frame.view.from && cursor <= frame.view.to;
    this.tip.hidden = !isShown || owner.active !== this;
    if (!isShown) return;
    const x = Math.round(frame.x(cursor)) + 0.5;
    pen.beginPath();
    pen.moveTo(x, frame.top);
    pen.lineTo(x, frame.bottom);
    pen.strokeStyle = look.muted;
    pen.stroke();
    const found = this.valuesAt(cursor);
    for (const { line, place, value } of found) {
      const y = frame.y(line.S?.[place] ?? value);
      if (y < frame.top - 1 || y > frame.bottom + 1) continue;
      pen.fillStyle = look.colours[line.run.slot % 8] ?? look.muted;
      pen.beginPath();
      pen.arc(frame.x(line.X[place]), y, line.run.id === look.highlight ? 5 : 3.5, 0, 2 * Math.PI);
      pen.fill();
    }
    if (!this.tip.hidden) this.fillTip(found, x);
  }

  /** The value of each line nearest to a place, where the line reaches that far; the largest first. */
  valuesAt(x) {
    const room = 3 / this.frame.perX;
    return this.drawn.filter(({ X }) => X.length && x >= X[0] - room && x <= X[X.length - 1] + room)
      .map((line) => ({ line, place: nearest(line.X, x) }))
      .map(({ line, place }) => ({ line, place, value: line.L[place], height: line.S?.[place] ?? line.L[place] }))
      .sort((left, right) => right.height - left.height);
  }

  fillTip(found, x) {
    const { owner, frame, tip } = this, { look, pointer } = owner;
    const far = ({ height }) => Math.abs(frame.y(height) - pointer);
    const near = found.find(({ line }) => line.run.id === look.highlight) ?? (pointer === null ? null : [...found].sort((left, right) => far(left) - far(right))[0]);
    // The nearest is among the rows, whatever its rank.
    const start = Math.max(0, Math.min(found.indexOf(near) - MOST_ROWS / 2, found.length - MOST_ROWS));
    const rows = found.slice(start, start + MOST_ROWS).map((one) => {
      const { line, place, value } = one, digits = (number) => shortNumber(number).replace("-", "−");
      const extra = [line.S && owner.text("raw", digits(value)), line.lo && line.hi[place] > line.lo[place] && `${digits(line.lo[place])} … ${digits(line.hi[place])}`];
      return make("div", { className: one === near ? "row near" : "row" }, swatch(line.run), make("span", {}, line.run.label),
        make("b", {}, digits(line.S?.[place] ?? value)), make("small", {}, extra.filter(Boolean).join(" · ")));
    });
    if (found.length > rows.length) rows.push(make("div", { className: "title" }, owner.text("more", found.length - rows.length)));
    tip.replaceChildren(make("div", { className: "title" }, `${owner.text(look.axis.kind)} ${placeText(owner.cursor, look.axis)}`), ...rows);
    const room = frame.width - tip.offsetWidth - 2, left = x + 14 > room ? x - 14 - tip.offsetWidth : x + 14;
    tip.style.left = `${Math.max(2, Math.min(room, left))}px`;
  }

  // Pointer

  press(event) {
    if (event.button || !this.frame) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, event.offsetX);
    if (this.fingers.size === 1) this.drag = { kind: "zoom", start: event.offsetX, now: event.offsetX };
    // One finger or the pointer with Shift holds one place of x, two fingers hold two.
    if (this.fingers.size > 1 || event.shiftKey) this.drag = { kind: "hold", held: [...this.fingers].map(([id, place]) => [id, this.frame.at(place)]) };
    this.hover(event);
  }

  move(event) {
    if (!this.frame) return;
    if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, event.offsetX);
    if (this.drag?.kind === "hold") this.pull();
    else if (this.drag) this.drag.now = Math.max(this.frame.left, Math.min(this.frame.right, event.offsetX));
    this.hover(event);
  }

  pull() {
    const { left, right, perX } = this.frame, held = this.drag.held.map(([id, value]) => [this.fingers.get(id), value]);
    if (held.some(([place]) => place === undefined)) return;
    const [[place, value], [other, second] = []] = held.sort((one, two) => one[0] - two[0]);
    const scale = other - place > 8 ? (second - value) / (other - place) : 1 / perX;
    if (!(scale > 0)) return;
    const from = value - (place - left) * scale;
    this.owner.setZoom([from, from + (right - left) * scale], this);
  }

  release(event) {
    const { drag, frame } = this;
    this.fingers.delete(event.pointerId);
    this.drag = null;
    if (drag?.kind === "zoom" && Math.abs(drag.now - drag.start) > 6) this.owner.setZoom([frame.at(Math.min(drag.start, drag.now)), frame.at(Math.max(drag.start, drag.now))], this);
    this.drawOver();
  }

  wheel(event) {
    if (!event.ctrlKey || !this.frame) return;
    event.preventDefault();
    this.zoomBy(Math.exp(Math.max(-1, Math.min(1, event.deltaY * 0.004))), this.frame.at(event.offsetX));
  }

  zoomBy(factor, centre) {
    const { from, to } = this.frame.view;
    this.owner.setZoom([centre - (centre - from) * factor, centre + (to - centre) * factor], this);
  }

  hover(event) {
    const x = this.frame.at(event.offsetX), places = this.drawn.filter((line) => line.X.length).map(({ X }) => X[nearest(X, x)]);
    const best = places.reduce((one, two) => (Math.abs(two - x) < Math.abs(one - x) ? two : one), Infinity);
    this.owner.setCursor(best === Infinity ? null : best, this, event.offsetY);
  }

  // Keys

  type(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.frame) return;
    const { owner } = this, { from, to } = this.frame.view, centre = owner.cursor ?? (from + to) / 2;
    const keys = {
      ArrowLeft: () => this.walk(event.shiftKey ? -10 : -1), ArrowRight: () => this.walk(event.shiftKey ? 10 : 1),
      Home: () => this.walk(-Infinity), End: () => this.walk(Infinity), ArrowUp: () => this.choose(-1), ArrowDown: () => this.choose(1),
      "+": () => this.zoomBy(0.5, centre), "=": () => this.zoomBy(0.5, centre), "-": () => this.zoomBy(2, centre),
      0: () => owner.setZoom(null, this), Escape: () => { owner.setZoom(null, this); owner.setCursor(null); }, l: () => owner.change({ log: !owner.state.log }),
    };
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  }

  get chosen() { return this.drawn.find((line) => line.run.id === this.owner.look.highlight) ?? this.drawn.find((line) => line.X.length); }

  walk(count) {
    const line = this.chosen, { cursor } = this.owner;
    if (!line?.X.length) return;
    const { from, to } = line.span, at = cursor === null ? (count > 0 ? from - 1 : to + 1) : nearest(line.X, cursor);
    this.owner.setCursor(line.X[Math.max(from, Math.min(to, at + count))], this, null);
    this.say(line);
  }

  choose(direction) {
    const lines = this.drawn.filter((line) => line.X.length), at = lines.findIndex((line) => line.run.id === this.owner.look.highlight);
    if (!lines.length) return;
    const line = lines[at < 0 ? (direction > 0 ? 0 : lines.length - 1) : (at + direction + lines.length) % lines.length];
    this.owner.setHighlight(line.run.id);
    this.owner.setCursor(this.owner.cursor ?? line.X[line.span.to], this, null);
    this.say(line);
  }

  say(line) {
    const { look, cursor } = this.owner;
    this.said.textContent = `${this.owner.text(look.axis.kind)} ${placeText(cursor, look.axis)}: ${line.run.label} ${shortNumber(line.L[nearest(line.X, cursor)])}`;
  }

  // Menu and table

  toggleWide() { this.widen.setAttribute("aria-pressed", String(this.element.classList.toggle("wide"))); }

  async save(kind) {
    this.menu.open = false;
    this.menu.firstChild.focus();
    const { owner } = this, lines = this.lines(), { pngOf, svgOf, csvOf, save } = await import("./picture.js");
    const labelOf = (line) => [line.run.label, line.nan && owner.text("nan", line.nan), line.inf && owner.text("inf", line.inf)].filter(Boolean).join(" · ");
    const blob = await { PNG: pngOf, SVG: svgOf, CSV: csvOf }[kind]({ title: this.key, lines, view: this.view(lines), look: owner.look, labelOf });
    save(blob, `${this.key}.${kind.toLowerCase()}`);
    this.draw(); // The bounds of the picture are those of its own size.
  }

  async fillTable() {
    if (!this.table.open || !this.drawn) return;
    const { tableRows } = await import("./picture.js"), { owner, drawn } = this;
    const rows = tableRows(drawn, this.frame.view, owner.look.axis).map(([place, ...values]) => make("tr", {}, make("th", { scope: "row" }, place),
      ...values.map((value) => make("td", { className: "number" }, value === null ? "–" : shortNumber(value)))));
    const head = [owner.text(owner.look.axis.kind), ...drawn.map((line) => line.run.label)].map((label) => make("th", { scope: "col" }, label));
    this.rows.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
  }
}

function clean(canvas, width, height) {
  const scale = window.devicePixelRatio || 1, wide = Math.floor(width * scale), high = Math.floor(height * scale);
  if (canvas.width !== wide || canvas.height !== high) {
    [canvas.width, canvas.height] = [wide, high];
    // A canvas pixel is a pixel of the screen: stretched by a part of one, thin lines blur.
    [canvas.style.width, canvas.style.height] = [`${wide / scale}px`, `${high / scale}px`];
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}
