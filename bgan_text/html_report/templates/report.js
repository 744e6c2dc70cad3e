/* The page around the curves: theme, runs that are shown, samples by step, sorting, copying, printing. */
const ROOT = document.documentElement;
function stored(value) {
  try {
    if (value === undefined) return localStorage.getItem("bgan-text-theme");
    localStorage.setItem("bgan-text-theme", value);
  } catch { /* a browser may keep nothing for files */ }
  return null;
}

{ /* theme */
  const button = document.getElementById("theme"), themes = ["automatic", "light", "dark"];
  const set = (name) => {
    if (name === "automatic") delete ROOT.dataset.theme; else ROOT.dataset.theme = name;
    button.querySelector("span").textContent = name;
  };
  set(themes.includes(stored()) ? stored() : "automatic");
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(ROOT.dataset.theme || "automatic") + 1) % themes.length];
    set(next); stored(next); drawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
}

{ /* controls of the curves */
  const boxes = [...document.querySelectorAll("#legend input")];
  const show = () => {
    STATE.hidden = new Set(boxes.filter((box) => !box.checked).map((box) => Number(box.value)));
    for (const part of document.querySelectorAll("#run-table tr[data-run], .series[data-run], .inline li[data-run]"))
      part.classList.toggle("off", STATE.hidden.has(Number(part.dataset.run)));
    drawAll();
  };
  for (const box of boxes) box.addEventListener("change", show);
  for (const [name, value] of [["all-runs", true], ["no-runs", false]]) {
    const button = document.getElementById(name);
    if (button) button.addEventListener("click", () => { for (const box of boxes) box.checked = value; show(); });
  }
  for (const name of ["x", "lines"]) for (const input of document.querySelectorAll(`input[name="${name}"]`)) {
    if (input.checked) STATE[name] = input.value;
    input.addEventListener("change", () => {
      STATE[name] = input.value;
      if (name === "x") { STATE.zoom = null; document.getElementById("reset").disabled = true; }
      drawAll();
    });
  }
  document.getElementById("reset").addEventListener("click", () => zoom(null));
  if (boxes.length && boxes.some((box) => !box.checked)) show(); else drawAll();
  new ResizeObserver(() => {
    if ("printing" in ROOT.dataset) return;
    for (const chart of CHARTS) if (chart.plot && Math.abs(chart.plot.width - chart.place.clientWidth) > 1 && chart.place.clientWidth > 0)
      chart.plot.setSize({ width: chart.place.clientWidth, height: 216 });
  }).observe(document.querySelector("main"));
}

{ /* samples by step */
  const slider = document.getElementById("evaluation");
  if (slider) {
    const choice = document.getElementById("sample-run"), order = document.getElementById("order");
    const generated = document.getElementById("generated"), real = document.getElementById("real");
    const sets = DATA.runs.map((run, number) => ({ name: run.name, text: DATA.samples[number], images: DATA.images[number] })).filter((one) => one.text || one.images);
    if (choice) sets.forEach((one, number) => choice.append(new Option(one.name, number)));
    const chosen = () => sets[choice ? Number(choice.value) : 0];
    const n = () => (order ? Number(order.value) : 0);

    const marked = (text, joined) => {
      const item = element("li"), flags = n() ? text.new[n() - 1] || "" : "";
      const covered = text.units.map((unit, place) => { for (let back = 0; back < n(); back += 1) if (flags[place - back] === "1") return true; return false; });
      if (!text.units.length) { item.append(element("em", "empty")); return item; }
      let place = 0;
      while (place < text.units.length) {
        let end = place + 1;
        while (end < text.units.length && covered[end] === covered[place]) end += 1;
        const part = text.units.slice(place, end).join(joined);
        if (covered[place] && part.trim()) { /* without the spaces around it */
          const start = part.length - part.trimStart().length, stop = part.trimEnd().length;
          item.append(part.slice(0, start), element("mark", part.slice(start, stop)), part.slice(stop));
        } else item.append(part);
        if (end < text.units.length) item.append(joined);
        place = end;
      }
      return item;
    };
    const list = (texts, joined) => { const made = element("ol", undefined, joined ? "words" : ""); for (const text of texts) made.append(marked(text, joined)); return made; };
    const flagged = (texts, order) => {
      const flags = texts.map((text) => text.new[order - 1] || "").join("");
      return [...flags].filter((flag) => flag === "1").length / flags.length;
    };
    const share = (texts) => {
      const found = n() ? flagged(texts, n()) : NaN;
      return Number.isNaN(found) ? "" : `${Math.round(100 * found)} % of ${n()}-grams new`;
    };
    const title = (name, text, more) => {
      const heading = document.getElementById(name);
      heading.replaceChildren(text);
      if (more) heading.append(element("small", more));
    };
    const picture = (address, about) => { const made = element("img"); made.src = address; made.alt = about; return made; };

    const show = () => {
      const one = chosen(), { evaluations } = one.text || one.images, told = evaluations[Number(slider.value)];
      const now = document.getElementById("now");
      now.replaceChildren(element("b", `step ${told.step.toLocaleString("en-US")}`), `${told.best ? ", the best checkpoint" : ""} `,
        element("span", [clock(told.seconds), ...Object.entries(told.scores).map(([name, value]) => `${name} ${shown(value)}`)].join(" · ")));
      slider.setAttribute("aria-valuetext", `step ${told.step}`);
      const hint = document.getElementById("marked");
      if (document.getElementById("order-field")) document.getElementById("order-field").hidden = !one.text || !one.text.compared;
      if (one.images) {
        title("generated-title", "Generated, always from the same noise"); title("real-title", "Real, from the validation split");
        generated.replaceChildren(picture(told.image, `Grid of images that ${one.name} generated at step ${told.step}`));
        real.replaceChildren(one.images.real ? picture(one.images.real, "Grid of real images of the validation split") : element("p", "The data are not there.", "muted"));
        hint.textContent = "";
        return;
      }
      const { joined, compared, of, units } = one.text;
      title("generated-title", "Generated, always from the same noise", share(told.texts));
      title("real-title", "Real, from the validation split", share(one.text.real));
      generated.replaceChildren(list(told.texts, joined));
      real.replaceChildren(one.text.real.length ? list(one.text.real, joined) : element("p", "The data are not there.", "muted"));
      const among = compared < of ? `the first ${compared.toLocaleString("en-US")} of ${of.toLocaleString("en-US")}` : `the ${of.toLocaleString("en-US")}`;
      hint.textContent = compared && n() ? `Marked: ${n()}-grams of ${units} that occur in none of ${among} training texts. ${one.text.why}` : "";
    };
    const restart = () => {
      if (order && chosen().text && !order.dataset.chosen) order.value = String(chosen().text.n);
      const { evaluations } = chosen().text || chosen().images;
      slider.max = evaluations.length - 1; slider.value = evaluations.length - 1;
      show();
    };
    slider.addEventListener("input", show);
    if (order) order.addEventListener("change", () => { order.dataset.chosen = "yes"; show(); });
    if (choice) choice.addEventListener("change", restart);
    restart();
  }
}

for (const table of document.querySelectorAll("table.sortable")) { /* sorting */
  const headings = [...table.querySelectorAll("thead th")], body = table.querySelector("tbody");
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
    const up = heading.getAttribute("aria-sort") !== "ascending", numeric = heading.classList.contains("number");
    const key = (row) => { const cell = row.children[column]; return numeric ? (cell.dataset.value === "" ? NaN : Number(cell.dataset.value)) : cell.textContent.trim(); };
    const compared = (one, other) => {
      const a = key(one), b = key(other);
      if (!numeric) return a.localeCompare(b, "en", { numeric: true }) * (up ? 1 : -1);
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
      return (a - b) * (up ? 1 : -1);
    };
    for (const other of headings) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...[...body.rows].sort(compared));
  }));
}

for (const point of document.querySelectorAll(".point")) { /* values of the points of quality and diversity */
  point.addEventListener("mouseenter", () => {
    document.getElementById("tip").replaceChildren(point.dataset.text);
    const box = point.querySelector("circle").getBoundingClientRect();
    STATE.active = null;
    showTip(box.left + box.width / 2, box.top + box.height / 2);
  });
  point.addEventListener("mouseleave", hideTip);
}

for (const button of document.querySelectorAll(".copy")) button.addEventListener("click", async () => { /* copying */
  const code = button.parentElement.querySelector("code"), label = button.firstChild;
  try { await navigator.clipboard.writeText(code.textContent); } catch {
    getSelection().selectAllChildren(code); document.execCommand("copy"); getSelection().removeAllRanges();
  }
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = "Copy"; }, 1500);
});

{ /* paper is white, and nothing on it can be opened */
  let closed = [];
  addEventListener("beforeprint", () => {
    ROOT.dataset.printing = "";
    closed = [...document.querySelectorAll("details.commands:not([open]), details.run:not([open])")];
    if (DATA.runs.length <= 4) for (const details of closed) details.open = true;
    drawAll();
  });
  addEventListener("afterprint", () => {
    delete ROOT.dataset.printing;
    for (const details of closed) details.open = false;
    drawAll();
  });
}
ROOT.dataset.drawn = String(Math.round(performance.now()));
