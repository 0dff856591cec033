// What leaves a chart: the picture as PNG and SVG, the points as CSV and as a table. Loaded when somebody asks for it.
import { Frame, boundsOf, dashOf, drawPlot, nearest, placeText } from "./lines.js";

const SIZE = { width: 960, height: 420 };
const FONT = "12px system-ui, sans-serif";
const XML = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const MOST_ROWS = 50;

// Control characters have no place in XML, not even escaped.
const escaped = (text) => String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").replace(/[&<>"]/g, (sign) => XML[sign]);
const short = (value) => Number(value.toFixed(2));

/** The part of a canvas context that the drawing uses, written down as SVG. */
class SvgPen {
  constructor(width, height) {
    this.size = { width, height };
    this.parts = [];
    this.path = "";
    this.clips = 0;
    this.open = 0;
    this.dash = [];
    this.ruler = document.createElement("canvas").getContext("2d");
    Object.assign(this, { globalAlpha: 1, lineWidth: 1, textAlign: "left", textBaseline: "alphabetic", font: FONT });
  }

  save() {}
  restore() { this.parts.push("</g>".repeat(this.open)); this.open = 0; }
  beginPath() { this.path = ""; }
  closePath() { this.path += "Z"; }
  moveTo(x, y) { this.path += `M${short(x)} ${short(y)}`; }
  lineTo(x, y) { this.path += `L${short(x)} ${short(y)}`; }
  rect(x, y, width, height) { this.path += `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`; }
  arc(x, y, radius) { this.path += `M${short(x - radius)} ${short(y)}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0`; }
  setLineDash(dash) { this.dash = dash; }
  measureText(text) { this.ruler.font = this.font; return this.ruler.measureText(text); }

  clip() {
    this.clips += 1;
    this.open += 1;
    this.parts.push(`<clipPath id="c${this.clips}"><path d="${this.path}"/></clipPath><g clip-path="url(#c${this.clips})">`);
  }

  fill() {
    if (this.path) this.parts.push(`<path d="${this.path}" fill="${escaped(this.fillStyle)}" fill-opacity="${this.globalAlpha}"/>`);
  }

  stroke() {
    if (!this.path) return;
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    this.parts.push(`<path d="${this.path}" fill="none" stroke="${escaped(this.strokeStyle)}" stroke-opacity="${this.globalAlpha}" stroke-width="${this.lineWidth}" stroke-linejoin="round"${dash}/>`);
  }

  fillText(text, x, y) {
    const anchor = { right: "end", center: "middle" }[this.textAlign] ?? "start";
    const [, weight = "", size] = this.font.match(/^(?:(\d+) )?(\d+)px/);
    const drop = this.textBaseline === "middle" ? Number(size) * 0.35 : 0;
    this.parts.push(`<text x="${short(x)}" y="${short(y + drop)}" text-anchor="${anchor}" font-size="${size}"${weight && ` font-weight="${weight}"`} fill="${escaped(this.fillStyle)}">${escaped(text)}</text>`);
  }

  toString() {
    const { width, height } = this.size;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">${this.parts.join("")}</svg>`;
  }
}

/** Where the legend's texts stand, in rows that fit, and how high the picture is with them. */
function layoutOf({ lines, labelOf }) {
  const ruler = document.createElement("canvas").getContext("2d"), places = [];
  ruler.font = FONT;
  let x = 16, y = 44;
  for (const line of lines) {
    const text = labelOf(line), width = ruler.measureText(text).width + 50;
    if (x > 16 && x + width > SIZE.width - 8) [x, y] = [16, y + 18];
    places.push({ line, text, x, y });
    x += width;
  }
  return { places, above: y + 22, height: SIZE.height + y + 22 };
}

function drawPicture(pen, { title, lines, view, look }, { places, above, height }) {
  pen.fillStyle = look.card;
  pen.beginPath();
  pen.rect(0, 0, SIZE.width, height);
  pen.fill();
  Object.assign(pen, { fillStyle: look.ink, font: "600 15px system-ui, sans-serif" });
  pen.fillText(title, 16, 24);
  Object.assign(pen, { font: FONT, textBaseline: "middle", lineWidth: 2 });
  for (const { line, text, x, y } of places) {
    pen.strokeStyle = look.colours[line.run.slot % 8] ?? look.muted;
    pen.setLineDash(dashOf(line.run.slot));
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + 22, y);
    pen.stroke();
    pen.fillText(text, x + 28, y);
  }
  const frame = new Frame(pen, SIZE.width, height, view, boundsOf(lines, view), above);
  drawPlot(pen, frame, lines, { ...look, highlight: null });
}

/** The chart as SVG, in the colours of the page. */
export function svgOf(picture) {
  const layout = layoutOf(picture), pen = new SvgPen(SIZE.width, layout.height);
  drawPicture(pen, picture, layout);
  return new Blob([pen.toString()], { type: "image/svg+xml" });
}

/** The chart as PNG in twice the size. */
export function pngOf(picture) {
  const layout = layoutOf(picture), canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [SIZE.width * 2, layout.height * 2];
  const pen = canvas.getContext("2d");
  pen.scale(2, 2);
  drawPicture(pen, picture, layout);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

// A sheet takes a text that begins with one of these for a formula.
function cell(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The points in view, one a row, with NaN and infinities in their places. */
export function csvOf({ title, lines, view, look }) {
  const isClock = look.axis.kind === "time";
  const placeOf = (value) => (isClock ? new Date(value).toISOString() : look.axis.kind === "reltime" ? value / 1000 : value);
  const rows = [["run", "name", "metric", { time: "time", reltime: "seconds" }[look.axis.kind] ?? look.axis.kind, "value", "min", "max", "mean", "count", "smoothed"]];
  for (const line of lines) {
    const own = [line.run.id, line.run.name, title], columns = [line.L, line.lo, line.hi, line.M, line.N, line.S];
    const points = Array.from(line.X, (x, index) => [x, ...columns.map((column) => column?.[index])]);
    for (const x of line.nanX) points.push([x, "NaN"]);
    for (const x of line.infX) points.push([x, "inf"]);
    points.sort((left, right) => left[0] - right[0]);
    for (const [x, ...rest] of points) if (x >= view.from && x <= view.to) rows.push([...own, placeOf(x), ...rest]);
  }
  return new Blob([rows.map((row) => row.map(cell).join(",")).join("\n"), "\n"], { type: "text/csv;charset=utf-8" });
}

/** At most fifty rows [place, value of each line or null] of the points in view, evenly taken. */
export function tableRows(lines, view, axis) {
  const places = new Set();
  for (const { X } of lines) for (const x of X) if (x >= view.from && x <= view.to) places.add(x);
  const all = [...places].sort((left, right) => left - right), count = Math.min(MOST_ROWS, all.length);
  const chosen = Array.from({ length: count }, (_, index) => all[Math.round((index * (all.length - 1)) / Math.max(1, count - 1))]);
  const room = count > 1 ? (chosen[count - 1] - chosen[0]) / (count - 1) / 2 : 0;
  return chosen.map((x) => [placeText(x, axis), ...lines.map(({ X, L }) => {
    const at = nearest(X, x);
    return Math.abs(X[at] - x) <= room ? L[at] : null;
  })]);
}

/** Hands a file to the reader. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.replace(/[^\p{L}\p{N}._-]+/gu, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
