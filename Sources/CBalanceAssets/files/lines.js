// Draws curves on a canvas and, by the same code, as SVG. Knows scales, bands and marks; nothing of pages and requests.
import { linearTicks, logTicks } from "./chart.js";

const DASHES = [[], [6, 3], [1.5, 3], [10, 3, 2, 3]];
const FONT = "12px system-ui, sans-serif";
const ZONES = { kst: "Asia/Seoul", utc: "UTC" };
const DAY = 86_400_000;
const CLOCK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
  86400, 172800, 432000, 864000, 2592000, 7776000, 31536000].map((seconds) => seconds * 1000);
const MOST_DOTS = 80;
const CROWD = 6000;

/** The dashes of a run's slot: eight solid lines, then the same eight colours dashed, dotted, mixed. */
export const dashOf = (slot) => DASHES[Math.floor(slot / 8) % DASHES.length];

/** The first index whose value is not below the wanted one. */
export function seek(values, wanted) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the value that lies nearest. */
export function nearest(values, wanted) {
  const at = seek(values, wanted);
  return at > 0 && (at === values.length || wanted - values[at - 1] <= values[at] - wanted) ? at - 1 : at;
}

/** The debiased exponential mean; a column counts as many times as it holds points. */
export function smoothed(series, amount) {
  if (!amount || !series.L) return null;
  let mean = 0, weight = 0;
  return Float64Array.from(series.M ?? series.L, (value, index) => {
    const count = series.N?.[index] ?? 1;
    weight = weight * amount + count;
    return (mean += (value - mean) * (count / weight));
  });
}

/** One run's series as it is drawn: x from the axis' origin, smoothed values, breaks; kept until something of it changes. */
export function lineOf(series, run, origin, amount) {
  const kept = series.line;
  if (kept?.origin === origin && kept.amount === amount) return kept;
  const shifted = (values = []) => Float64Array.from(values, (value) => value - origin);
  const line = { run, origin, amount, X: shifted(series.X), nanX: shifted(series.nanX), infX: shifted(series.infX) };
  const { L = [], lo, hi, M, N } = series;
  Object.assign(line, { L, lo, hi, M, N, S: smoothed(series, amount), nan: series.nan ?? 0, inf: series.inf ?? 0 });
  line.breaks = breaksOf(line);
  return (series.line = line);
}

/** Marks the points that no line leads to. A column that holds a number beside its NaN does not break a thinned line. */
function breaksOf({ X, lo, nanX, infX }) {
  const breaks = new Uint8Array(X.length);
  const room = lo ? (1.5 * (X[X.length - 1] - X[0])) / X.length : 0;
  for (const holes of [nanX, infX]) {
    for (const hole of holes) {
      const at = seek(X, hole);
      if (at > 0 && at < X.length && X[at] - X[at - 1] > room) breaks[at] = 1;
    }
  }
  return breaks;
}

/** The whole range of x of some lines, their NaN and infinities too. */
export function domainOf(lines, smallest) {
  let from = Infinity, to = -Infinity;
  for (const { X, nanX, infX } of lines) {
    for (const values of [X, nanX, infX]) {
      if (values.length) [from, to] = [Math.min(from, values[0]), Math.max(to, values[values.length - 1])];
    }
  }
  if (from > to) return [0, 1];
  return to > from ? [from, to] : [from - smallest / 2, to + smallest / 2];
}

/** The indices of the points inside the view; without any, those around it, between which a line crosses. */
export function inside(line, view) {
  const { X } = line;
  const first = Math.max(0, seek(X, view.from) - 1), last = Math.min(X.length - 1, seek(X, view.to));
  const from = X[first] < view.from ? first + 1 : first, to = X[last] > view.to ? last - 1 : last;
  return from <= to ? { first, last, from, to } : { first, last, from: first, to: last };
}

function extremes(values, { from, to }, isLog) {
  let low = Infinity, high = -Infinity;
  for (let index = from; index <= to; index += 1) {
    const value = values[index];
    if (isLog && !(value > 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** The 1st to 99th percentile of the last values, widened by what a column usually reaches beyond its own. */
function percentiles(line, isLog) {
  const { L, lo, hi, span: { from, to } } = line, inner = [], up = [], down = [];
  const scale = (value) => (isLog ? Math.log(value) : value);
  for (let index = from; index <= to; index += 1) {
    if (isLog && !((lo?.[index] ?? L[index]) > 0)) continue;
    inner.push(scale(L[index]));
    if (lo) [up[up.length], down[down.length]] = [scale(hi[index]) - scale(L[index]), scale(L[index]) - scale(lo[index])];
  }
  const at = (values, round, share) => (values.length ? Float64Array.from(values).sort()[round(share * (values.length - 1))] : 0);
  const low = at(inner, Math.ceil, 0.01) - at(down, Math.floor, 0.5), high = at(inner, Math.floor, 0.99) + at(up, Math.floor, 0.5);
  return isLog ? [Math.exp(low), Math.exp(high)] : [low, high];
}

function extent(line, view, isLog) {
  const { span, L, lo = L, hi = L, S } = line;
  const [[low, first], [last, high]] = [extremes(lo, span, isLog), extremes(hi, span, isLog)];
  if (view.out && span.to - span.from >= 4 && first !== -Infinity) {
    const [bottom, top] = percentiles(line, isLog);
    return [Math.max(low, bottom), Math.min(high, top)];
  }
  // The mean of what lies left of the view may stand outside of what is in view.
  const [smoothLow, smoothHigh] = S ? extremes(S, span, isLog) : [Infinity, -Infinity];
  return [Math.min(low, last, smoothLow), Math.max(high, smoothHigh)];
}

/** The bounds of y in a view { from, to, log, out }; sets each line's span and what of it lies outside. */
export function boundsOf(lines, view) {
  let low, high, isLog = view.log;
  const measure = () => {
    [low, high] = [Infinity, -Infinity];
    for (const line of lines) {
      line.span = inside(line, view);
      const [bottom, top] = extent(line, view, isLog);
      [low, high] = [Math.min(low, bottom), Math.max(high, top)];
    }
  };
  measure();
  // No positive value has a place on a logarithmic axis: the linear one shows more than an empty frame.
  if (low > high && isLog) { isLog = false; measure(); }
  if (low > high) [low, high] = [0, 1];
  const bounds = { isLog, ...padded(low, high, isLog, view.out ? 0.05 : 0.06) };
  for (const line of lines) findClipped(line, bounds);
  return bounds;
}

function padded(low, high, isLog, share) {
  if (isLog) {
    const factor = high / low > 1.000001 ? (high / low) ** (share / 2) : 1.5;
    return { low: Math.max(low / factor, 5e-324), high: Math.min(high * factor, 1.7e308) };
  }
  const size = Math.max(Math.abs(low), Math.abs(high));
  // A range below the precision of the numbers would give ticks that never end.
  const margin = high - low > size * 1e-11 ? (high - low) * share : size * 0.05 || 0.5;
  return { low: Math.max(low - margin, -8e307), high: Math.min(high + margin, 8e307) };
}

function findClipped(line, { low, high, isLog }) {
  const { from, to } = line.span;
  Object.assign(line, { over: [], under: [] });
  for (let index = from; index <= to; index += 1) {
    const top = line.hi?.[index] ?? line.L[index], bottom = line.lo?.[index] ?? line.L[index];
    if (top > high) line.over.push(line.X[index]);
    if (bottom < low || (isLog && bottom <= 0)) line.under.push(line.X[index]);
  }
}

/** Where values stand: the rectangle of the plot, the range of x, the bounds of y. */
export class Frame {
  constructor(pen, width, height, view, bounds, above = 10) {
    Object.assign(this, { width, height, view, bounds, top: above, bottom: height - 26, right: width - 14 });
    pen.font = FONT;
    this.ticks = this.valueTicks();
    this.left = Math.max(34, ...this.ticks.map(([, text]) => pen.measureText(text).width + 12));
    this.perX = (this.right - this.left) / (view.to - view.from);
    const [low, high] = [bounds.low, bounds.high].map((value) => (bounds.isLog ? Math.log(value) : value));
    Object.assign(this, { low, perY: (this.bottom - this.top) / (high - low) });
  }

  x(value) { return this.left + (value - this.view.from) * this.perX; }
  at(place) { return this.view.from + (place - this.left) / this.perX; }

  // Far outside is all the same, and a canvas drops paths with coordinates that it cannot hold.
  y(value) {
    const place = this.bounds.isLog ? (value > 0 ? Math.log(value) : -Infinity) : value;
    return Math.max(-3000, Math.min(this.height + 3000, this.bottom - (place - this.low) * this.perY));
  }

  valueTicks() {
    const { low, high, isLog } = this.bounds;
    if (isLog && high / low > 4) {
      const ticks = logTicks(low, high), every = Math.ceil(ticks.length / Math.max(2, (this.bottom - this.top) / 22));
      return ticks.filter((_, index) => index % every === 0).map((tick) => [tick, tickText(tick, Math.abs(tick))]);
    }
    const ticks = linearTicks(low, high, (this.bottom - this.top) / 44);
    return ticks.map((tick) => [tick, tickText(tick, ticks[1] - ticks[0] || Math.abs(tick))]);
  }
}

function tickText(value, step) {
  const size = Math.abs(value);
  if (size < step * 1e-6) return "0";
  const round = Number(value.toPrecision(Math.min(15, Math.max(1, Math.round(Math.log10(size / step)) + 2))));
  return size >= 1e6 || size < 1e-4 ? round.toExponential() : String(round);
}

const clocks = new Map();
/** A moment as `2026-11-27 09:24:00` in the zone that the reader chose. */
export function clockText(value, zone) {
  if (!clocks.has(zone)) clocks.set(zone, new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: ZONES[zone] }));
  return clocks.get(zone).format(value);
}

/** A span of milliseconds as `1h 20m`. */
export function durationText(value) {
  const sign = value < 0 ? "-" : "", seconds = Math.abs(value) / 1000;
  if (seconds < 60) return `${sign}${Number(seconds.toPrecision(3))}s`;
  const [large, small, unit, rest] = seconds < 3600 ? [60, 1, "m", "s"] : seconds < 86400 ? [3600, 60, "h", "m"] : [86400, 3600, "d", "h"];
  const part = Math.floor((seconds % large) / small);
  return `${sign}${Math.floor(seconds / large)}${unit}${part ? ` ${part}${rest}` : ""}`;
}

function stepText(value) {
  const [size, unit] = [[1e9, "G"], [1e6, "M"], [1e4, "k"]].find(([least]) => Math.abs(value) >= least) ?? [1, ""];
  return Number((value / (unit === "k" ? 1000 : size)).toPrecision(7)) + unit;
}

/** The words for one place on the x axis. */
export function placeText(value, { kind, zone, lang }) {
  if (kind === "time") return `${clockText(value, zone)}${value % 1000 ? `.${String(Math.floor(value % 1000)).padStart(3, "0")}` : ""}`;
  return kind === "reltime" ? durationText(value) : value.toLocaleString(lang);
}

function placeTicks({ view, left, right }, axis) {
  const { from, to } = view, wanted = Math.max(2, (right - left) / 95);
  if (axis.kind === "step" || axis.kind === "relstep") {
    return linearTicks(from, to, wanted * 1.35).filter(Number.isInteger).map((tick) => [tick, stepText(tick)]);
  }
  const isClock = axis.kind === "time", step = CLOCK_STEPS.find((size) => size >= (to - from) / wanted);
  if (!step || to - from < 2000) {
    return linearTicks(from, to, wanted).map((tick) => [tick, isClock ? placeText(tick, axis).slice(11) : durationText(tick)]);
  }
  const second = Math.floor(from / 1000) * 1000;
  const shift = isClock ? Date.parse(`${clockText(second, axis.zone).replace(" ", "T")}Z`) - second : 0;
  const ticks = [];
  for (let tick = Math.ceil((from + shift) / step) * step - shift; tick <= to; tick += step) {
    ticks.push([tick, isClock ? clockTick(clockText(tick, axis.zone), step, !ticks.length) : durationText(tick)]);
  }
  return ticks;
}

function clockTick(text, step, isFirst) {
  if (step >= 30 * DAY) return text.slice(0, 10);
  if (step >= DAY) return text.slice(5, 10);
  const time = text.slice(11, step < 60_000 ? 19 : 16);
  return isFirst || time.startsWith("00:00") ? `${text.slice(5, 10)} ${time}` : time;
}

/** The whole picture: axes, bands, lines (the highlighted one on top), marks at the edges. */
export function drawPlot(pen, frame, lines, look) {
  drawAxes(pen, frame, look);
  pen.save();
  pen.beginPath();
  pen.rect(frame.left - 4, frame.top - 4, frame.right - frame.left + 8, frame.bottom - frame.top + 8);
  pen.clip();
  const isChosen = (line) => line.run.id === look.highlight, hasChosen = lines.some(isChosen);
  // Many points are drawn as hairlines, beside each other where they are to be thick: that is ten times faster.
  const hair = lines.reduce((sum, { span }) => sum + span.last - span.first, 0) > CROWD ? look.hair : 0;
  for (const line of [...lines].sort((left, right) => isChosen(left) - isChosen(right))) {
    const share = !hasChosen || isChosen(line) ? 1 : 0.15;
    pen.strokeStyle = pen.fillStyle = look.colours[line.run.slot % 8] ?? look.muted;
    if (line.lo) drawBand(pen, frame, line, share);
    pen.setLineDash(dashOf(line.run.slot));
    drawCurve(pen, frame, line, line.L, { width: 1.5, hair, share: line.S ? share * 0.25 : share });
    if (line.S) drawCurve(pen, frame, line, line.S, { width: isChosen(line) ? 3 : 2, hair, share });
    pen.setLineDash([]);
    drawDots(pen, frame, line, line.S && line.X.length > 1 ? share * 0.4 : share);
    drawMarks(pen, frame, line, share);
  }
  pen.restore();
}

function drawAxes(pen, frame, look) {
  Object.assign(pen, { globalAlpha: 1, strokeStyle: look.line, fillStyle: look.muted, lineWidth: 1, font: FONT, textAlign: "right", textBaseline: "middle" });
  pen.setLineDash([]);
  pen.beginPath();
  for (const [tick, text] of frame.ticks) {
    const y = Math.round(frame.y(tick)) + 0.5;
    pen.moveTo(frame.left, y);
    pen.lineTo(frame.right, y);
    pen.fillText(text, frame.left - 7, y);
  }
  pen.moveTo(frame.left, frame.bottom + 0.5);
  pen.lineTo(frame.right, frame.bottom + 0.5);
  pen.textAlign = "center";
  let end = -Infinity;
  for (const [tick, text] of placeTicks(frame, look.axis)) {
    const half = pen.measureText(text).width / 2, x = Math.min(frame.x(tick), frame.width - half - 1);
    if (x - half < end + 10) continue;
    end = x + half;
    pen.moveTo(Math.round(frame.x(tick)) + 0.5, frame.bottom);
    pen.lineTo(Math.round(frame.x(tick)) + 0.5, frame.bottom + 4);
    pen.fillText(text, x, frame.bottom + 15);
  }
  pen.stroke();
}

function drawBand(pen, frame, line, share) {
  const { lo, hi, X } = line, { first, last } = line.span;
  pen.globalAlpha = 0.16 * share;
  pen.beginPath();
  for (let start = first, end; start <= last; start = end) {
    for (end = start + 1; end <= last && !line.breaks[end];) end += 1;
    pen.moveTo(frame.x(X[start]), frame.y(hi[start]));
    for (let index = start + 1; index < end; index += 1) pen.lineTo(frame.x(X[index]), frame.y(hi[index]));
    for (let index = end - 1; index >= start; index -= 1) pen.lineTo(frame.x(X[index]), frame.y(lo[index]));
  }
  pen.fill();
  // A column that stands out of its neighbours is a hair of a polygon: a stroke keeps it visible.
  Object.assign(pen, { globalAlpha: 0.8 * share, lineWidth: 1 });
  pen.beginPath();
  for (let index = first; index <= last; index += 1) {
    if (!isSpike(line, index)) continue;
    const x = Math.round(frame.x(X[index])) + 0.5, top = frame.y(hi[index]), bottom = frame.y(lo[index]);
    if (bottom - top < 1.5) continue;
    pen.moveTo(x, top);
    pen.lineTo(x, bottom);
  }
  pen.stroke();
}

const isAlone = ({ X, breaks }, index) => Boolean((index === 0 || breaks[index]) && (index + 1 === X.length || breaks[index + 1]));

// Compared with the neighbours and with those three columns away, so that a spike of two columns is one as well.
function isSpike(line, index) {
  const { lo, hi, X } = line;
  if (isAlone(line, index)) return hi[index] > lo[index];
  for (const away of [1, 3]) {
    // At an end both neighbours are the one that there is.
    const left = index < away ? index + 1 : index - away, right = index + away < X.length ? index + away : index - 1;
    const usual = 2 * Math.max(hi[left] - lo[left], hi[right] - lo[right]);
    const above = hi[index] - Math.max(hi[left], hi[right]), below = Math.min(lo[left], lo[right]) - lo[index];
    if (above > usual || below > usual) return true;
  }
  return false;
}

function drawCurve(pen, frame, line, values, { width, hair, share }) {
  const { first, last } = line.span, count = hair ? Math.max(1, Math.floor(width / hair)) : 1;
  Object.assign(pen, { globalAlpha: share, lineWidth: hair || width, lineJoin: "round" });
  for (let turn = 0; turn < count; turn += 1) {
    const aside = (turn - (count - 1) / 2) * hair;
    pen.beginPath();
    for (let index = first; index <= last; index += 1) {
      const x = frame.x(line.X[index]) + aside, y = frame.y(values[index]) - aside;
      if (index === first || line.breaks[index]) pen.moveTo(x, y);
      else pen.lineTo(x, y);
    }
    pen.stroke();
  }
}

function drawDots(pen, frame, line, share) {
  const { from, to } = line.span, isSparse = !line.lo && to - from < MOST_DOTS;
  pen.globalAlpha = share;
  pen.beginPath();
  for (let index = from; index <= to; index += 1) {
    if (!isSparse && !isAlone(line, index)) continue;
    const x = frame.x(line.X[index]), y = frame.y(line.L[index]);
    pen.moveTo(x + 2.5, y);
    pen.arc(x, y, 2.5, 0, 2 * Math.PI);
  }
  pen.fill();
}

function drawMarks(pen, frame, line, share) {
  Object.assign(pen, { globalAlpha: share, lineWidth: 1.2 });
  pen.beginPath();
  addTriangles(pen, frame, line.nanX, frame.bottom, -7);
  addTriangles(pen, frame, line.infX, frame.top + 7, -7);
  pen.fill();
  pen.beginPath();
  addTriangles(pen, frame, line.over, frame.top + 6, -6);
  addTriangles(pen, frame, line.under, frame.bottom - 6, 6);
  pen.stroke();
}

function addTriangles(pen, frame, places, base, height) {
  let before = -Infinity;
  for (const place of places) {
    const x = frame.x(place);
    // Marks that would lie on each other are one mark.
    if (x - before < 4 || x < frame.left - 4 || x > frame.right + 4) continue;
    before = x;
    pen.moveTo(x - 4, base);
    pen.lineTo(x, base + height);
    pen.lineTo(x + 4, base);
    pen.closePath();
  }
}
