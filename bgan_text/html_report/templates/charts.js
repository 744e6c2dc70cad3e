"use strict";
/* The curves: uPlot draws them; hovering, keys and tables of their data are here. */
const DATA = JSON.parse(document.getElementById("report-data").textContent);
const STATE = { x: "steps", lines: "both", hidden: new Set(), zoom: null, active: null };
const DASHES = [[], [7, 4], [2, 3]];
const ON_PAPER = 312; /* pixels of a chart, two beside each other */
const COLOURS = 8, MOST_IN_TIP = 10, MARGIN = 0.06, STEP_OF_ZOOM = 0.25;

/* Text and thin lines stay sharp in print and on screens that are enlarged later. */
{
  const told = Object.getOwnPropertyDescriptor(window, "devicePixelRatio");
  if (told && told.get) Object.defineProperty(window, "devicePixelRatio", { configurable: true, get: () => Math.max(2, told.get.call(window)) });
  window.dispatchEvent(new Event("resize"));
}

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}
function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
function shown(value) {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  if (value === 0 || size < 1e-4) return value === 0 ? "0" : value.toExponential(3);
  return String(Number(value.toPrecision(4)));
}
/* Ticks of a logarithmic axis: powers of ten, fewer where they are many, others between where they are few. */
function logarithmic(low, high) {
  const decades = Math.log10(high / low), factors = decades < 1.2 ? [1, 1.5, 2, 3, 5, 7] : decades < 3 ? [1, 3] : [1];
  const each = Math.max(1, Math.ceil(decades / 5)), found = [];
  for (let power = each * Math.floor(Math.log10(low) / each); power <= Math.log10(high); power += each)
    for (const factor of factors) { const value = Number(`${factor}e${power}`); if (value >= low && value <= high) found.push(value); }
  return found.length ? found : [low, high];
}
function clock(seconds) { return seconds < 1000 ? `${shown(seconds)} s` : `${Math.round(seconds).toLocaleString("en-US")} s`; }
function swatch(run, line) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "swatch"); svg.setAttribute("width", 22); svg.setAttribute("height", 10); svg.setAttribute("aria-hidden", "true");
  const stroke = document.createElementNS(svg.namespaceURI, "line");
  for (const [name, value] of Object.entries({ x1: 1, x2: 21, y1: 5, y2: 5, class: `line-${line.tone}` })) stroke.setAttribute(name, value);
  if (line.dash.length) stroke.setAttribute("stroke-dasharray", line.dash.map((part) => part * 0.7).join(" "));
  svg.append(stroke);
  return svg;
}

const SEVERAL = DATA.runs.length > 1;
class Chart {
  constructor(figure) {
    this.figure = figure;
    this.told = DATA.charts[Number(figure.dataset.chart)];
    this.place = figure.querySelector(".plot");
    this.plot = null;
    this.at = null; /* of the keyboard: which line, and which of its points */
    const orders = [...new Set(this.told.lines.map((line) => line.name))];
    this.lines = this.told.lines.map((line) => {
      const order = orders.indexOf(line.name);
      const tone = SEVERAL ? line.run % COLOURS : order % COLOURS;
      const dash = SEVERAL ? (order ? [4, 3] : DASHES[Math.floor(line.run / COLOURS) % DASHES.length]) : [];
      const label = [SEVERAL ? DATA.runs[line.run].name : "", line.label || (SEVERAL ? "" : this.told.title)].filter(Boolean).join(": ");
      return { ...line, tone, dash, label, order };
    });
    this.off = new Set(); /* the metrics that were switched off */
    this.keys(orders);
    this.listen();
    this.tabulate();
  }

  keys(orders) {
    const place = this.figure.querySelector(".keys");
    if (orders.length < 2) return;
    for (const name of orders) {
      const line = this.lines.find((one) => one.name === name);
      const key = element("button");
      key.type = "button";
      key.setAttribute("aria-pressed", "true");
      key.addEventListener("click", () => {
        if (!this.off.delete(name)) this.off.add(name);
        key.setAttribute("aria-pressed", String(!this.off.has(name)));
        hideTip();
        this.draw();
      });
      const tone = SEVERAL ? 7 : line.tone;
      key.append(swatch(line.run, { tone, dash: SEVERAL && line.order ? [4, 3] : [] }), line.told || this.told.lines.find((one) => one.name === name).label);
      place.append(key);
    }
  }

  visible() { return this.lines.filter((line) => !STATE.hidden.has(line.run) && !this.off.has(line.name)); }

  /* One axis of all points of the visible lines, and each line with the places of its own on it. */
  aligned(lines) {
    const own = lines.map((line) => { const axis = DATA.runs[line.run][STATE.x]; return line.at.map((place) => axis[place]); });
    const all = Float64Array.from(own.flat()).sort();
    const xs = all.filter((value, place) => !place || value !== all[place - 1]);
    const columns = [xs];
    lines.forEach((line, number) => {
      line.xs = own[number];
      line.places = new Int32Array(line.xs.length);
      let place = 0;
      line.xs.forEach((value, point) => { while (xs[place] < value) place += 1; line.places[point] = place; });
      for (const values of [line.y, line.smooth]) {
        if (!values) continue;
        const column = new Array(xs.length).fill(null);
        values.forEach((value, point) => { column[line.places[point]] = value; });
        columns.push(column);
      }
    });
    return columns;
  }

  draw() {
    if (this.plot) this.plot.destroy();
    this.plot = null;
    this.place.replaceChildren();
    const lines = this.visible();
    this.describe(lines);
    if (!lines.length) { this.place.append(element("p", this.off.size ? "All lines are switched off." : "No run with this quantity is shown.", "empty")); return; }
    const data = this.aligned(lines);
    const series = [{}];
    this.owners = [null];
    for (const line of lines) {
      const tone = () => colour(`--c${line.tone}`);
      const both = line.smooth && STATE.lines === "both";
      const few = line.y.length <= 40;
      series.push({ stroke: tone, dash: line.dash, spanGaps: true, width: both ? 1 : 1.7, alpha: both ? 0.32 : 1,
        show: !line.smooth || STATE.lines !== "smooth", points: { show: few && !both, size: 5, fill: tone, width: 0 } });
      this.owners.push({ line, raw: true });
      if (!line.smooth) continue;
      series.push({ stroke: tone, dash: line.dash, spanGaps: true, width: 1.9, show: STATE.lines !== "raw", points: { show: false } });
      this.owners.push({ line, raw: false });
    }
    const axis = { stroke: () => colour("--muted"), font: "11px system-ui, sans-serif", grid: { stroke: () => colour("--grid"), width: 1 },
      ticks: { show: false }, border: { show: false } };
    const options = {
      width: "printing" in document.documentElement.dataset ? ON_PAPER : Math.max(120, this.place.clientWidth), height: 216, legend: { show: false }, padding: [8, 10, 0, 0], series,
      scales: {
        x: { time: false, range: (u, low, high) => STATE.zoom || (low === high ? [low - 1, high + 1] : [Math.min(0, low), high]) },
        y: { distr: this.told.log ? 3 : 1, range: () => this.range(lines) },
      },
      axes: [
        { ...axis, size: 28, gap: 6, space: 64, values: (u, splits) => splits.map((value) => (value === null ? null : value.toLocaleString("en-US"))) },
        { ...axis, size: 52, gap: 6, space: 32, ...(this.told.log ? { splits: (u, number, low, high) => logarithmic(low, high), filter: (u, splits) => splits } : {}),
          values: (u, splits) => splits.map((value) => (value === null ? null : this.tick(value, splits))) },
      ],
      cursor: {
        y: false, drag: { x: true, y: false, setScale: false, dist: 6 }, sync: { key: "report", scales: ["x", null] }, focus: { prox: -1 },
        points: { size: 7, width: 1.5, stroke: () => colour("--card"), fill: (u, number) => colour(`--c${this.owners[number].line.tone}`) },
        dataIdx: (u, number, hovered, value) => (number ? this.nearest(this.owners[number].line, value).place : hovered),
      },
      hooks: {
        setCursor: [() => this.tell()],
        setSelect: [(u) => this.zoomed(u)],
        draw: [(u) => this.ring(u, lines)],
      },
    };
    this.plot = new uPlot(options, data, this.place);
    this.plot.over.addEventListener("mouseenter", () => { STATE.active = this; this.at = null; });
    this.plot.over.addEventListener("mouseleave", () => { if (STATE.active === this && !this.at) hideTip(); });
    this.plot.over.addEventListener("dblclick", () => zoom(null));
  }

  tick(value, splits) {
    const size = Math.abs(value), step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : size || 1;
    if (this.told.log || size >= 1e5 || (size && size < 1e-3 && step < 1e-3)) return size && (size < 1e-3 || size >= 1e5) ? String(Number(value.toPrecision(3)).toExponential()) : shown(value);
    return value.toLocaleString("en-US", { maximumFractionDigits: Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) + 0.2))) });
  }

  /* The axis holds the smoothed lines and 98 % of the raw values: one outlier must not flatten the curve. */
  range(lines) {
    const [min, max] = STATE.zoom || [-Infinity, Infinity], held = [];
    for (const line of lines) {
      const inside = (point) => line.xs[point] >= min && line.xs[point] <= max;
      const raw = line.y.filter((value, point) => inside(point));
      if (line.smooth && STATE.lines !== "raw") held.push(...line.smooth.filter((value, point) => inside(point)));
      if (!line.smooth) held.push(...raw);
      else if (STATE.lines !== "smooth" && raw.length) {
        raw.sort((one, other) => one - other);
        held.push(raw[Math.floor(0.01 * (raw.length - 1))], raw[Math.ceil(0.99 * (raw.length - 1))]);
      }
    }
    let low = Infinity, high = -Infinity;
    for (const value of held) { if (value < low) low = value; if (value > high) high = value; }
    if (low > high) return this.told.log ? [0.1, 1] : [0, 1];
    if (this.told.log) { const factor = Math.max(1.05, (high / low) ** MARGIN); return [low / factor, high * factor]; }
    const margin = MARGIN * (high - low) || 0.05 * Math.abs(high) || 0.5;
    return [low - margin, high + margin];
  }

  ring(u, lines) {
    for (const line of lines) {
      if (line.best === null || line.best === undefined) continue;
      const x = u.valToPos(line.xs[line.best], "x", true), y = u.valToPos(line.y[line.best], "y", true);
      u.ctx.save();
      u.ctx.strokeStyle = colour(`--c${line.tone}`); u.ctx.lineWidth = 1.6 * uPlot.pxRatio;
      u.ctx.beginPath(); u.ctx.arc(x, y, 5.5 * uPlot.pxRatio, 0, 2 * Math.PI); u.ctx.stroke();
      u.ctx.restore();
    }
  }

  nearest(line, value) {
    let low = 0, high = line.xs.length - 1;
    while (low < high) { const middle = (low + high) >> 1; if (line.xs[middle] < value) low = middle + 1; else high = middle; }
    if (low && value - line.xs[low - 1] < line.xs[low] - value) low -= 1;
    return { point: low, place: line.places[low] };
  }

  /* What is under the cursor: of the chart that the pointer or the keyboard is in. */
  tell() {
    if (STATE.active !== this || !this.plot) return;
    const { left, top } = this.plot.cursor;
    if (left === null || left === undefined || left < 0) { hideTip(); return; }
    const value = this.plot.posToVal(left, "x");
    const items = this.visible().map((line) => {
      const { point } = this.nearest(line, value);
      return { line, point, y: line.y[point], away: Math.abs(this.plot.valToPos(line.y[point], "y") - top) };
    });
    const near = this.at ? items.find((one) => one.line === this.at.line) || items[0] : items.reduce((one, other) => (other.away < one.away ? other : one));
    items.sort((one, other) => other.y - one.y);
    const kept = items.length <= MOST_IN_TIP ? items : items.sort((one, other) => one.away - other.away).slice(0, MOST_IN_TIP).sort((one, other) => other.y - one.y);
    const axis = DATA.runs[near.line.run], place = near.line.at[near.point];
    const tip = document.getElementById("tip");
    tip.replaceChildren(element("div", `step ${axis.steps[place].toLocaleString("en-US")} · ${clock(axis.seconds[place])}`, "head"));
    for (const one of kept) {
      const item = element("div", undefined, one === near && kept.length > 1 ? "item near" : "item");
      item.append(swatch(one.line.run, one.line), element("span", one.line.label), element("b", shown(one.y)));
      tip.append(item);
    }
    if (items.length > kept.length) tip.append(element("div", `and ${items.length - kept.length} more`, "head"));
    const box = this.plot.over.getBoundingClientRect();
    showTip(box.left + left, box.top + Math.max(0, top));
    return near;
  }

  zoomed(u) {
    if (u.select.width < 6) return;
    const range = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    zoom(range);
  }

  listen() {
    this.place.addEventListener("keydown", (event) => {
      const lines = this.visible();
      if (!this.plot || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "+" || event.key === "-") { this.enlarge(event.key === "+"); event.preventDefault(); return; }
      if (event.key === "0") { zoom(null); return; }
      if (event.key === "Escape") { this.at = null; hideTip(); cross(null); return; }
      const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity, ArrowUp: 0, ArrowDown: 0 };
      if (!(event.key in moves)) return;
      event.preventDefault();
      if (!this.at || !lines.includes(this.at.line)) this.at = { line: lines[0], point: event.key === "ArrowLeft" ? lines[0].xs.length : -1 };
      const number = lines.indexOf(this.at.line);
      if (event.key === "ArrowUp" || event.key === "ArrowDown") {
        const value = this.at.line.xs[Math.max(0, this.at.point)];
        this.at.line = lines[(number + (event.key === "ArrowDown" ? 1 : lines.length - 1)) % lines.length];
        this.at.point = this.nearest(this.at.line, value).point;
      } else this.at.point = Math.min(this.at.line.xs.length - 1, Math.max(0, this.at.point + moves[event.key] * (event.shiftKey ? 10 : 1)));
      this.read();
    });
    this.place.addEventListener("blur", () => { if (this.at) { this.at = null; hideTip(); cross(null); } });
  }

  read() {
    const { line, point } = this.at;
    STATE.active = this;
    cross(line.xs[point]);
    this.plot.setCursor({ left: this.plot.valToPos(line.xs[point], "x"), top: this.plot.valToPos(line.y[point], "y") });
    this.tell();
    const axis = DATA.runs[line.run], place = line.at[point];
    document.getElementById("said").textContent = `${line.label}: ${shown(line.y[point])} at step ${axis.steps[place]}, ${clock(axis.seconds[place])}`;
  }

  enlarge(nearer) {
    const { min, max } = this.plot.scales.x;
    const middle = this.at ? this.at.line.xs[this.at.point] : (min + max) / 2;
    const share = nearer ? 1 - STEP_OF_ZOOM : 1 / (1 - STEP_OF_ZOOM);
    zoom([middle - (middle - min) * share, middle + (max - middle) * share]);
  }

  describe(lines) {
    const told = lines.slice(0, 4).map((line) => {
      const axis = DATA.runs[line.run].steps, last = line.y.length - 1;
      return `${line.label} from ${shown(line.y[0])} at step ${axis[line.at[0]]} to ${shown(line.y[last])} at step ${axis[line.at[last]]}`;
    });
    const more = lines.length > told.length ? ` and ${lines.length - told.length} more lines` : "";
    this.place.setAttribute("aria-label", `${this.told.title} over ${STATE.x}: ${told.join("; ") || "no line is shown"}${more}. Arrow keys read values.`);
  }

  /* The table is made when it is opened: it may have thousands of rows. */
  tabulate() {
    const details = this.figure.querySelector("details.table");
    details.addEventListener("toggle", () => {
      const place = details.querySelector(".scroll");
      if (!details.open || place.firstChild) return;
      const names = [...new Set(this.told.lines.map((line) => line.name))];
      const headings = [...(SEVERAL ? ["run"] : []), "step", "seconds", ...names.map((name) => this.told.lines.find((line) => line.name === name).label || this.told.title)];
      const table = element("table"), head = element("tr"), body = element("tbody");
      headings.forEach((text, number) => { const cell = element("th", text, SEVERAL && !number ? "" : "number"); cell.scope = "col"; head.append(cell); });
      DATA.runs.forEach((run, number) => {
        const rows = new Map();
        for (const line of this.told.lines) if (line.run === number) line.at.forEach((at, point) => {
          if (!rows.has(at)) rows.set(at, {});
          rows.get(at)[line.name] = line.y[point];
        });
        for (const [at, values] of [...rows].sort((one, other) => one[0] - other[0])) {
          const row = element("tr");
          if (SEVERAL) row.append(element("td", run.name));
          row.append(element("td", String(run.steps[at]), "number"), element("td", String(run.seconds[at]), "number"));
          for (const name of names) row.append(element("td", name in values ? String(values[name]) : "", "number"));
          body.append(row);
        }
      });
      const thead = element("thead");
      thead.append(head); table.append(thead, body); place.append(table);
    });
  }
}

function showTip(x, y) {
  const tip = document.getElementById("tip");
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = x + 14 + width > document.documentElement.clientWidth - 4 ? x - width - 14 : x + 14;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, Math.min(window.innerHeight - height - 4, y - height / 2))}px`;
}
function hideTip() { document.getElementById("tip").hidden = true; }

const CHARTS = [...document.querySelectorAll("figure.chart")].map((figure) => new Chart(figure));
/* The cross-hair of the keyboard, in all charts as that of the pointer is. */
function cross(value) {
  for (const { plot } of CHARTS) if (plot) {
    const left = value === null ? -10 : plot.valToPos(value, "x"), inside = left >= 0 && left <= plot.over.clientWidth;
    plot.setCursor(inside ? { left, top: 0 } : { left: -10, top: -10 });
  }
}
function drawAll() { hideTip(); for (const chart of CHARTS) chart.draw(); }
function zoom(range) {
  const ends = CHARTS.filter((chart) => chart.plot).flatMap((chart) => chart.plot.data[0].length ? [chart.plot.data[0][0], chart.plot.data[0][chart.plot.data[0].length - 1]] : []);
  const low = Math.min(0, ...ends), high = Math.max(...ends);
  STATE.zoom = range && (range[0] > low || range[1] < high) ? [Math.max(low, range[0]), Math.min(high, range[1])] : null;
  document.getElementById("reset").disabled = !STATE.zoom;
  for (const chart of CHARTS) if (chart.plot) chart.plot.setData(chart.plot.data);
}
