// A line chart on a canvas: hover, zoom by dragging, log axis, keys, light and dark.

const PAD = { left: 66, right: 14, top: 30, bottom: 24 };

/** Round values between two bounds, about as many as asked for. */
export function linearTicks(low, high, wanted) {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) ticks.push(index * step);
  return ticks;
}

/** Powers of ten between two positive bounds, with 2 and 5 between them where the range is short. */
export function logTicks(low, high) {
  const factors = Math.log10(high / low) < 2.5 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks.length > 1 ? ticks : [low, high];
}

/** A number in at most five significant digits. */
export function shortNumber(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-4 ? value.toExponential(2) : String(Number(value.toPrecision(5)));
}

export class LineChart {
  constructor(element, data, texts) {
    this.element = element;
    this.data = data;
    this.texts = texts;
    this.isLog = false;
    this.zoom = null;
    this.hovered = null;
    this.drag = null;
    this.build();
    this.listen();
    new ResizeObserver(() => this.draw()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  build() {
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.title = this.texts.help;
    this.canvas.setAttribute("role", "img");
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    const tools = document.createElement("div");
    tools.className = "tools";
    const label = document.createElement("label");
    this.logBox = document.createElement("input");
    this.logBox.type = "checkbox";
    label.append(this.logBox, ` ${this.texts.log}`);
    this.resetButton = document.createElement("button");
    this.resetButton.type = "button";
    this.resetButton.className = "small";
    this.resetButton.textContent = this.texts.reset;
    this.resetButton.hidden = true;
    tools.append(this.resetButton, label);
    const positive = this.data.series.some((line) => line.values.some((value) => value > 0));
    label.hidden = !positive;
    this.element.replaceChildren(this.canvas, tools, this.tip);
  }

  listen() {
    const canvas = this.canvas;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.drag = { from: event.offsetX, to: event.offsetX };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.drag) this.drag.to = event.offsetX;
      this.hovered = this.nearest(event.offsetX);
      this.draw();
    });
    canvas.addEventListener("pointerup", () => this.finishDrag());
    canvas.addEventListener("pointercancel", () => { this.drag = null; this.draw(); });
    canvas.addEventListener("pointerleave", () => { this.hovered = null; this.draw(); });
    canvas.addEventListener("dblclick", () => this.reset());
    canvas.addEventListener("keydown", (event) => this.press(event));
    this.resetButton.addEventListener("click", () => this.reset());
    this.logBox.addEventListener("change", () => { this.isLog = this.logBox.checked; this.draw(); });
  }

  /** The first and the last point that are shown. */
  get range() {
    return this.zoom ?? [0, Math.max(0, this.data.labels.length - 1)];
  }

  reset() {
    this.zoom = null;
    this.hovered = null;
    this.draw();
  }

  finishDrag() {
    const drag = this.drag;
    this.drag = null;
    if (drag && Math.abs(drag.to - drag.from) > 6) {
      const ends = [this.nearest(drag.from), this.nearest(drag.to)].sort((left, right) => left - right);
      if (ends[1] > ends[0]) this.zoom = ends;
    }
    this.draw();
  }

  press(event) {
    const [first, last] = this.range;
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key === "Escape") return this.reset();
    if (!(event.key in steps)) return;
    event.preventDefault();
    const start = this.hovered ?? (event.key === "ArrowLeft" ? last + 1 : first - 1);
    this.hovered = Math.min(last, Math.max(first, start + steps[event.key]));
    this.draw();
  }

  nearest(x) {
    const [first, last] = this.range;
    const share = (x - PAD.left) / Math.max(1, this.width - PAD.left - PAD.right);
    return Math.min(last, Math.max(first, Math.round(first + share * (last - first))));
  }

  x(index) {
    const [first, last] = this.range;
    const inner = this.width - PAD.left - PAD.right;
    return last > first ? PAD.left + ((index - first) / (last - first)) * inner : PAD.left + inner / 2;
  }

  y(value) {
    const [low, high] = this.bounds;
    const place = this.isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return this.height - PAD.bottom - place * (this.height - PAD.top - PAD.bottom);
  }

  isDrawable(value) {
    return value !== null && (!this.isLog || value > 0);
  }

  measure() {
    const [first, last] = this.range;
    let low = Infinity, high = -Infinity;
    for (const line of this.data.series) {
      for (let index = first; index <= last; index += 1) {
        const value = line.values[index];
        if (!this.isDrawable(value)) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (low > high) [low, high] = this.isLog ? [0.1, 1] : [0, 1];
    if (this.isLog) this.bounds = low === high ? [low / 2, high * 2] : [low, high];
    else {
      const margin = (high - low) * 0.06 || Math.abs(high) * 0.05 || 0.5;
      this.bounds = [low - margin, high + margin];
    }
  }

  draw() {
    this.width = this.element.clientWidth;
    this.height = this.element.clientHeight;
    if (!this.width || !this.height) return;
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = this.width * scale;
    this.canvas.height = this.height * scale;
    const context = this.canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const style = getComputedStyle(this.element);
    const color = (name) => style.getPropertyValue(name).trim();
    this.measure();
    this.resetButton.hidden = this.zoom === null;
    context.font = "12px system-ui, sans-serif";
    this.drawAxes(context, color);
    this.data.series.forEach((line, index) => this.drawLine(context, line, color(`--s${index % 8}`)));
    if (this.drag) {
      context.fillStyle = color("--select");
      context.fillRect(this.drag.from, PAD.top, this.drag.to - this.drag.from, this.height - PAD.top - PAD.bottom);
    }
    this.showTip(context, color);
    this.describe();
  }

  drawAxes(context, color) {
    const [low, high] = this.bounds;
    context.strokeStyle = color("--line");
    context.fillStyle = color("--muted");
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of this.isLog ? logTicks(low, high) : linearTicks(low, high, 5)) {
      const y = Math.round(this.y(tick)) + 0.5;
      context.beginPath();
      context.moveTo(PAD.left, y);
      context.lineTo(this.width - PAD.right, y);
      context.stroke();
      context.fillText(shortNumber(tick), PAD.left - 8, y);
    }
    const [first, last] = this.range;
    context.textBaseline = "top";
    // Two times need room beside each other; on a narrow screen the newest one stands alone.
    const ends = this.width < 480 ? [[last, "right"]] : [[first, "left"], [last, "right"]];
    const texts = last > first ? ends : [[first, "center"]];
    for (const [index, align] of texts) {
      context.textAlign = align;
      context.fillText(this.data.times[index] ?? "", this.x(index), this.height - PAD.bottom + 8);
    }
  }

  drawLine(context, line, stroke) {
    const [first, last] = this.range;
    context.strokeStyle = context.fillStyle = stroke;
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.beginPath();
    let isDown = false;
    for (let index = first; index <= last; index += 1) {
      const value = line.values[index];
      if (!this.isDrawable(value)) { isDown = false; continue; }
      if (isDown) context.lineTo(this.x(index), this.y(value));
      else context.moveTo(this.x(index), this.y(value));
      isDown = true;
    }
    context.stroke();
    if (last - first > 80) return;
    for (let index = first; index <= last; index += 1) {
      if (this.isDrawable(line.values[index])) this.dot(context, index, line.values[index], 3);
    }
  }

  dot(context, index, value, radius) {
    context.beginPath();
    context.arc(this.x(index), this.y(value), radius, 0, 2 * Math.PI);
    context.fill();
  }

  showTip(context, color) {
    const index = this.hovered;
    this.tip.hidden = index === null;
    if (index === null) return;
    const x = this.x(index);
    context.strokeStyle = color("--muted");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, PAD.top);
    context.lineTo(x, this.height - PAD.bottom);
    context.stroke();
    const title = document.createElement("div");
    title.className = "title";
    title.textContent = `${this.data.labels[index]} · ${this.data.times[index]}`;
    const rows = this.data.series.map((line, place) => {
      const row = document.createElement("div");
      row.className = `key s${place % 8}`;
      const value = line.values[index];
      row.textContent = `${line.name} ${value === null ? "–" : shortNumber(value)}`;
      if (this.isDrawable(value)) {
        context.fillStyle = color(`--s${place % 8}`);
        this.dot(context, index, value, 5);
      }
      return row;
    });
    this.tip.replaceChildren(title, ...rows);
    const left = x + 14 + this.tip.offsetWidth > this.width ? x - 14 - this.tip.offsetWidth : x + 14;
    this.tip.style.left = `${Math.max(0, left)}px`;
    this.tip.style.top = `${PAD.top}px`;
  }

  describe() {
    const index = this.hovered ?? this.range[1];
    const values = this.data.series.map((line) => `${line.name} ${line.values[index] === null ? "–" : shortNumber(line.values[index] ?? 0)}`);
    this.canvas.setAttribute("aria-label", `${this.texts.title}: ${this.data.labels[index] ?? ""} ${values.join(", ")}`);
  }
}
