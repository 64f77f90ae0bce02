// Draws each chart anew, so that it tells its values and can be zoomed into. Without it the SVG stays.
"use strict";

const DAY = 86400;
const LABEL = 84; // px that a day under the axis takes
const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang; // day before month
const dates = new Intl.DateTimeFormat(language, { timeZone: "UTC", day: "numeric", month: "short", year: "2-digit" });
const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
const tellDay = (seconds) => dates.format(new Date(seconds * 1000));

// Some of the days that are in view, as many as have room.
function choose(starts, low, high, width) {
  const shown = starts.filter((start) => start >= low && start <= high);
  const every = Math.ceil((shown.length * LABEL * devicePixelRatio) / width) || 1;
  return shown.filter((_start, index) => index % every === 0);
}

// Washes the steps of which nothing is known.
function washGaps(plot, starts, series, step, color) {
  plot.ctx.save();
  plot.ctx.fillStyle = color;
  starts.forEach((start, index) => {
    if (series.every((each) => each.values[index] === null)) {
      const left = Math.max(plot.valToPos(start - step / 2, "x", true), plot.bbox.left);
      const right = Math.min(plot.valToPos(start + step / 2, "x", true), plot.bbox.left + plot.bbox.width);
      if (right > left) plot.ctx.fillRect(left, plot.bbox.top, right - left, plot.bbox.height);
    }
  });
  plot.ctx.restore();
}

// Points at spikes from above, as the legend has it.
function markSpikes(plot, starts, series, color) {
  const size = 6 * devicePixelRatio;
  plot.ctx.fillStyle = color;
  for (const index of series.spikes) {
    const x = plot.valToPos(starts[index], "x", true);
    const y = plot.valToPos(series.values[index], "y", true) - size / 2;
    if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, y);
    plot.ctx.lineTo(x - size, y - 1.6 * size);
    plot.ctx.lineTo(x + size, y - 1.6 * size);
    plot.ctx.fill();
  }
}

function draw(figure, data) {
  const holder = figure.querySelector(".drawing");
  const style = getComputedStyle(figure);
  const color = (name) => style.getPropertyValue(name).trim();
  const one = data.series.length === 1;
  const dashes = [[], [8, 4], [1, 5], [12, 4, 1, 4]];
  const axis = { stroke: color("--soft"), grid: { stroke: color("--rule"), width: 1 }, font: "13px system-ui, sans-serif" };
  const starts = data.starts.map((day) => Date.parse(day) / 1000);
  const step = starts.length > 1 ? starts[1] - starts[0] : DAY;
  const options = {
    width: holder.clientWidth,
    height: 244,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: {
      x: { range: (_plot, low, high) => [low - step / 2, high + step / 2] },
      y: { range: (_plot, _low, high) => [0, Math.max(high, 1e-9) * 1.08] },
    },
    axes: [
      { ...axis, splits: (plot, _axis, low, high) => choose(starts, low, high, plot.bbox.width), values: (_plot, splits) => splits.map(tellDay) },
      { ...axis, size: 48, values: (_plot, splits) => splits.map((value) => numbers.format(value)) },
    ],
    hooks: {
      drawClear: [(plot) => washGaps(plot, starts, data.series, step, color("--rule"))],
      draw: [(plot) => data.series.forEach((each, index) => markSpikes(plot, starts, each, color(one ? "--accent" : `--s${index + 1}`)))],
    },
    series: [
      { label: figure.querySelector("thead th").textContent, value: (_plot, value) => (value === null ? "–" : tellDay(value)) },
      ...data.series.map((each, index) => ({
        label: each.name,
        stroke: color(one ? "--column" : `--s${index + 1}`),
        fill: one ? color("--column") : undefined,
        width: one ? 0 : 2,
        dash: dashes[index],
        paths: one ? uPlot.paths.bars({ size: [0.8, 60] }) : undefined,
        points: { show: false },
        value: (_plot, value) => (value === null || value === undefined ? "–" : numbers.format(value)),
      })),
    ],
  };
  const values = data.series.map((each) => each.values);
  const plot = new uPlot(options, [starts, ...values], holder);
  plot.root.setAttribute("aria-hidden", "true");
  holder.classList.add("live");
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = figure.closest("[data-hint]").dataset.hint;
  holder.after(hint);
  new ResizeObserver(() => plot.setSize({ width: holder.clientWidth, height: 244 })).observe(holder);
}

for (const figure of document.querySelectorAll(".chart[data-source]")) {
  fetch(figure.dataset.source)
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
    .then((data) => (data.starts.length > 1 ? draw(figure, data) : undefined))
    .catch(() => undefined); // the SVG stays
}
