// What every plot uses: elements, columns, scales, colours, a figure with hover and keys, export.
import { linearTicks, logTicks, shortNumber } from "./chart.js";

const UNPLACED = /^\s*([-+]?(none|null|nan|inf|infinity))?\s*$/i;
const EXPORTED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity", "fill-opacity",
  "font-size", "font-family", "font-weight", "text-anchor", "paint-order"];
const LEGEND_LIMIT = 16;
const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
pen.font = "12px system-ui, sans-serif";

/** Texts of clients may hold signs that no XML file (an exported SVG) can hold. */
const clean = (text) => (text.toWellFormed?.() ?? text).replace(/[\u0000-\u001f\ufffe\uffff]/g, "\ufffd");

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function draw(parent, tag, attributes = {}, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = clean(text);
  parent?.append(element);
  return element;
}

export const textWidth = (text) => pen.measureText(text).width;

/** A text cut in its middle, because names of metrics differ at both ends. */
export function fit(text, room) {
  if (text.length <= 400 && textWidth(text) <= room) return text;
  const signs = [...(text.length > 400 ? text.slice(0, 200) + text.slice(-200) : text)];
  for (let keep = Math.min(signs.length - 1, Math.floor(room / 5)); keep > 1; keep -= 1) {
    const cut = `${signs.slice(0, Math.ceil(keep / 2)).join("")}…${signs.slice(signs.length - Math.floor(keep / 2)).join("")}`;
    if (textWidth(cut) <= room) return cut;
  }
  return "…";
}

export const naturally = (left, right) => left.localeCompare(right, undefined, { numeric: true });

/** One param or metric over all runs. Values are numbers or places in `levels`; null is missing. */
export class Column {
  constructor(key, raws) {
    this.key = key;
    this.name = key.slice(2);
    this.isMetric = key.startsWith("m:");
    this.raws = raws;
    const numbers = raws.map((raw) => (raw === null || UNPLACED.test(raw) ? NaN : Number(raw)));
    const isPlaced = (number) => Math.abs(number) < 1e300;
    const texts = raws.filter((raw) => raw !== null);
    const isNumeric = this.isMetric || (numbers.some(isPlaced) && raws.every((raw, row) => raw === null || UNPLACED.test(raw) || isPlaced(numbers[row])));
    this.levels = isNumeric ? null : [...new Set(texts)].sort(naturally);
    const places = new Map(this.levels?.map((level, place) => [level, place]));
    this.values = isNumeric ? numbers.map((number) => (isPlaced(number) ? number : null)) : raws.map((raw) => places.get(raw) ?? null);
    this.present = this.values.filter((value) => value !== null);
    this.hasMissing = this.present.length < raws.length;
    this.canLog = isNumeric && this.present.length > 0 && this.present.every((value) => value > 0);
  }

  /** How much the runs differ: the entropy of the values, where texts that nearly every run has alone count little. */
  get spread() {
    const counts = new Map();
    for (const raw of this.raws) counts.set(raw, (counts.get(raw) ?? 0) + 1);
    if (counts.size < 2) return 0;
    let entropy = 0;
    for (const count of counts.values()) entropy -= (count / this.raws.length) * Math.log(count / this.raws.length);
    return this.levels?.length > Math.max(12, this.raws.length / 3) ? entropy / 100 : entropy;
  }

  text(row, missing) {
    const raw = this.raws[row];
    if (raw === null) return missing;
    return this.isMetric ? shortNumber(raw) : raw;
  }

  at(value) {
    return this.levels ? this.levels[value] : shortNumber(value);
  }
}

/** Where values lie between two pixels, the way back, and marks that do not touch each other. */
export function scaleOf(column, isLog, rows, from, to, gap) {
  const values = rows.map((row) => column.values[row]).filter((value) => value !== null);
  let low = Math.min(...values), high = Math.max(...values);
  if (low > high) [low, high] = [1, 2];
  const [least, most] = [low, high];
  // Nearly equal values get room; marks between them would be below the precision of numbers.
  if (high - low <= Math.max(Math.abs(low), Math.abs(high)) * 1e-9) {
    const margin = Math.abs(low) / 2 || 0.5;
    [low, high] = [low - margin, high + margin];
  }
  if (column.levels) [low, high] = [-0.5, column.levels.length - 0.5];
  const bend = isLog ? Math.log : (value) => value;
  const share = (value) => (bend(value) - bend(low)) / (bend(high) - bend(low));
  const place = (value) => from + share(value) * (to - from);
  const invert = (pixel) => {
    const bent = bend(low) + ((pixel - from) / (to - from)) * (bend(high) - bend(low));
    return isLog ? Math.exp(bent) : bent;
  };
  const wanted = Math.abs(to - from) / Math.max(50, gap), rounds = () => [1, 2, 3].map((more) => linearTicks(low, high, wanted * more));
  const all = column.levels?.map((_, index) => index) ?? (isLog && high > 8 * low ? logTicks(low, high) : rounds().find((marks) => marks.length > 2) ?? [low, high]);
  let last = -Infinity;
  const ticks = all.filter((tick) => {
    const isFree = Math.abs(place(tick) - last) >= gap;
    if (isFree) last = place(tick);
    return isFree;
  });
  return { low, high, least, most, share, place, invert, ticks };
}

/** Two ends and a grey middle: told apart without red and green, in both themes. */
export function tint(share) {
  const [end, part] = share < 0.5 ? ["--s1", 1 - share * 2] : ["--accent", share * 2 - 1];
  return `color-mix(in oklab, var(${end}) ${Math.round(part * 100)}%, var(--muted))`;
}

/** The legend is a part of the drawing so that an exported picture has it too. Gives its height. */
export function drawLegend(svg, x, y, width, name, entries, scale) {
  if (scale) {
    const title = draw(svg, "text", { x, y: y + 11, class: "label" }, `${fit(name, width / 3)}  ${shortNumber(scale.least)}`);
    const start = x + textWidth(title.textContent) + 12;
    for (let step = 0; step < 24; step += 1) draw(svg, "rect", { x: start + step * 5, y: y + 2, width: 5.5, height: 10 }).style.fill = tint(step / 23);
    draw(svg, "text", { x: start + 128, y: y + 11, class: "label" }, shortNumber(scale.most));
    return 20;
  }
  let left = x + textWidth(fit(name, width / 3)) + 14, top = y;
  draw(svg, "text", { x, y: y + 11, class: "label" }, fit(name, width / 3));
  const shown = entries.slice(0, LEGEND_LIMIT);
  if (entries.length > LEGEND_LIMIT) shown.push({ text: `+${entries.length - LEGEND_LIMIT}` });
  for (const entry of shown) {
    const text = fit(entry.text, 150);
    if (left + textWidth(text) + 20 > x + width) [left, top] = [x, top + 18];
    entry.mark?.(svg, left + 5, top + 7);
    draw(svg, "text", { x: left + 14, y: top + 11, class: "label" }, text);
    left += textWidth(text) + 32;
  }
  return top - y + 20;
}

/** Colours as every reader of SVG knows them: `color-mix` is resolved by painting one pixel. */
function plainColor(value) {
  if (!/^[a-z-]+\(/.test(value)) return value;
  pen.clearRect(0, 0, 1, 1);
  pen.fillStyle = value;
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
  return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** A copy with title and background that needs no style sheet. */
function standalone(svg, title, card) {
  const copy = svg.cloneNode(true), copies = [...copy.querySelectorAll("*")];
  [...svg.querySelectorAll("*")].forEach((source, index) => {
    const style = getComputedStyle(source), target = copies[index];
    for (const name of EXPORTED) target.setAttribute(name, plainColor(style.getPropertyValue(name)));
    for (const name of ["class", "style"]) target.removeAttribute(name);
    if (source.classList.contains("hit")) target.remove();
  });
  const width = Number(svg.getAttribute("width")), height = Number(svg.getAttribute("height")) + 34;
  const whole = draw(null, "svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  draw(whole, "rect", { width, height, fill: plainColor(card.backgroundColor) });
  draw(whole, "text", { x: 12, y: 23, fill: plainColor(card.color), "font-family": card.fontFamily, "font-size": 15, "font-weight": 650 }, title);
  const body = draw(whole, "g", { transform: "translate(0 34)" });
  body.append(...copy.childNodes);
  return { text: new XMLSerializer().serializeToString(whole), width, height };
}

function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** A block: heading, controls, a drawing with hover and keys, a note, export. */
export class Figure {
  constructor(plots, id) {
    Object.assign(this, { plots, id });
    this.svg = draw(null, "svg", { role: "img", tabindex: 0 });
    this.tip = make("div", { className: "tip", hidden: true });
    this.voice = make("p", { className: "voice", role: "status" });
    this.scroller = make("div", { className: "scroller" }, this.svg);
    this.frame = make("div", { className: "frame" }, this.scroller, this.tip);
    this.controls = make("div", { className: "controls" });
    this.note = make("p", { className: "note" });
    const button = (text, act) => make("button", { type: "button", className: "small", textContent: plots.say(text), onclick: act });
    this.exports = make("div", { className: "exports" }, button("png", () => this.savePicture()), button("svg", () => this.saveDrawing()));
    const title = make(plots.heading, { id: `plot-${id}`, textContent: plots.say(id) });
    this.element = make("section", { className: "card plot" }, make("div", { className: "head" }, title, this.exports), this.controls, this.frame, this.note, this.voice);
    this.element.setAttribute("aria-labelledby", title.id);
    this.svg.addEventListener("pointermove", (event) => this.hover(event));
    this.svg.addEventListener("pointerleave", () => this.point(null));
    this.svg.addEventListener("blur", () => this.point(null));
    this.svg.addEventListener("keydown", (event) => this.press(event));
  }

  /** Starts an empty drawing; false where there is no room (a folded part of the page). */
  begin(width, height) {
    this.svg.replaceChildren();
    this.point(null);
    for (const [name, value] of [["width", width], ["height", height]]) this.svg.setAttribute(name, value);
    return this.frame.clientWidth > 0;
  }

  /** Shows a sentence in place of the drawing. */
  say(text) {
    this.frame.hidden = this.exports.hidden = text !== null;
    if (text !== null) this.note.replaceChildren(text);
    return text !== null;
  }

  position(event) {
    const box = this.svg.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  hover(event) {
    const { x, y } = this.position(event);
    this.point(this.nearest(x, y), x, y);
  }

  /** Names a run: the mark in every block, and a tip beside the pointer. */
  point(row, x = 0, y = 0) {
    this.pointed = row;
    this.plots.mark(row);
    this.tip.hidden = row === null;
    if (row === null) return;
    this.tip.replaceChildren(...this.lines(row).map((text, index) => make("div", { className: index ? "" : "title", textContent: text })));
    const left = x - this.scroller.scrollLeft, room = this.frame.clientWidth - this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, Math.min(room, left + 14 > room ? left - 14 - this.tip.offsetWidth : left + 14))}px`;
    this.tip.style.top = `${y + 14}px`;
  }

  press(event) {
    const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
    if (event.key === "Escape") return this.point(null);
    if (event.key === "Enter" && this.pointed !== null) return this.plots.open(this.pointed, event);
    const order = this.order();
    if (!(event.key in steps) || !order.length) return;
    event.preventDefault();
    const place = order.indexOf(this.pointed);
    const row = order[place < 0 ? (steps[event.key] > 0 ? 0 : order.length - 1) : (place + steps[event.key] + order.length) % order.length];
    this.point(row, ...this.spot(row));
    this.voice.textContent = this.lines(row).join(", ");
  }

  get picture() {
    this.point(null);
    return standalone(this.svg, `${this.plots.say(this.id)}${this.about ? ` · ${this.about}` : ""}`, getComputedStyle(this.element));
  }

  get file() {
    return `${this.id}-${this.about ?? ""}`.replace(/[^\p{L}\p{N}.-]+/gu, "-").replace(/^-+|-+$/g, "");
  }

  saveDrawing() {
    save(new Blob([this.picture.text], { type: "image/svg+xml" }), `${this.file}.svg`);
  }

  savePicture() {
    const { text, width, height } = this.picture, image = new Image();
    image.onload = () => {
      const canvas = make("canvas", { width: width * 2, height: height * 2 });
      canvas.getContext("2d").drawImage(image, 0, 0, width * 2, height * 2);
      canvas.toBlob((blob) => save(blob, `${this.file}.png`));
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  }
}
