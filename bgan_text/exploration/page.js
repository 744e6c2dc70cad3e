"use strict";

// Text that comes from a run or from the reader is put into the page by textContent alone, so it is never markup.

const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const SATURATED = 3; // nats at which a colour is strongest
const PICTURE = 84; // pixels that a small image is enlarged to
let facts = null;
let journey = null;

function made(tag, className, text, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined && text !== null) element.textContent = text;
  element.append(...children);
  return element;
}

function signed(number, digits = 2) {
  const shown = Math.abs(number).toFixed(digits);
  if (Number(shown) === 0) return shown;
  return (number < 0 ? "−" : "+") + shown;
}

// Asking ------------------------------------------------------------------------------------------------------

async function ask(question, values) {
  let response;
  try {
    response = await fetch(`api/${question}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(values),
    });
  } catch {
    throw new Error("The server does not answer. Was bgan-text explore ended?");
  }
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Error(`The answer cannot be read (status ${response.status}).`);
  }
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function labelOf(field) {
  const label = field.closest("label");
  return label.firstChild.textContent.trim().replace(/,.*/, "");
}

// Names of options in a message, in backticks, become what the page calls them.
function readable(message, form) {
  return message.replace(/`(\w+)`/g, (found, name) => (form.elements[name] ? labelOf(form.elements[name]) : name));
}

function valuesOf(form) {
  const values = {};
  for (const field of all("input[name], select[name]", form)) {
    if (field.disabled) continue;
    if (field.validity.badInput) throw new Error(`${labelOf(field)}: a number is needed`);
    if (field.value === "") continue;
    values[field.name] = field.type === "number" ? Number(field.value) : field.value;
  }
  if ("step" in values && values.step !== "best") values.step = Number(values.step);
  return values;
}

async function answered(form, values) {
  const panel = form.closest("section");
  const problem = find(".problem", panel);
  const status = find(".status", panel);
  const buttons = all("button", form);
  panel.classList.add("busy");
  buttons.forEach((button) => { button.disabled = true; });
  status.textContent = "Working …";
  const start = performance.now();
  try {
    const answer = await ask(form.dataset.question, values(form));
    problem.hidden = true;
    panel.classList.remove("stale");
    const seconds = (performance.now() - start) / 1000;
    status.textContent = `Step ${answer.step.toLocaleString("en")}, ${seconds.toFixed(1)} s`;
    return answer;
  } catch (error) {
    problem.textContent = readable(error.message, form);
    problem.hidden = false;
    panel.classList.add("stale");
    status.textContent = "";
    return null;
  } finally {
    panel.classList.remove("busy");
    buttons.forEach((button) => { button.disabled = false; });
  }
}

// Showing -----------------------------------------------------------------------------------------------------

// A picture enlarged by a whole number, up to a width in pixels.
function picture(source, name, width = PICTURE) {
  const image = made("img");
  image.alt = name;
  image.addEventListener("load", () => {
    const times = Math.max(1, Math.floor(width / image.naturalWidth));
    image.style.width = `${image.naturalWidth * times}px`;
  });
  image.src = source;
  return image;
}

function line(number, text, ...more) {
  const shown = text === "" ? made("span", "text empty", "(empty)") : made("span", "text", text);
  return made("li", "", null, made("span", "number", number), shown, ...more);
}

function showDrawn(panel, answer, values) {
  const results = find(".results", panel);
  if (facts.images) {
    const pictures = answer.samples.map((source, place) => picture(source, `Sample ${place + 1}`));
    results.replaceChildren(made("div", "pictures", null, ...pictures));
  } else {
    const list = made("ol", "lines");
    answer.samples.forEach((text, place) => {
      const more = [];
      if (facts.no_scores === null) {
        const button = made("button", "small", "Score");
        button.type = "button";
        button.setAttribute("aria-label", `Score sample ${place + 1}`);
        button.addEventListener("click", () => scoreThis(text));
        more.push(button);
      }
      list.append(line(place + 1, text, ...more));
    });
    results.replaceChildren(list);
  }
  if (answer.effective !== null) {
    find(".status", panel).textContent +=
      `, effective candidates ${answer.effective.toFixed(1)} of ${values.candidates}`;
  }
  const words = [facts.command, "--n", values.count, "--seed", values.seed];
  if (values.temperature !== undefined && values.temperature !== 1) words.push("--temperature", values.temperature);
  if (values.candidates > 1) words.push("--candidates", values.candidates);
  if (values.correct === "prefixes") words.push("--correct", "prefixes");
  if (values.weights === "last") words.push("--weights", "last");
  words.push("--step", answer.step);
  find(".command code", panel).textContent = words.join(" ");
  find(".command", panel).hidden = false;
}

// The words of `now` that are not in a longest common subsequence with `before`.
function changedWords(before, now) {
  const lengths = Array.from({ length: before.length + 1 }, () => new Array(now.length + 1).fill(0));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      lengths[i][j] = before[i] === now[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const changed = new Set();
  for (let i = 0, j = 0; j < now.length;) {
    if (i < before.length && before[i] === now[j]) { i++; j++; }
    else if (i < before.length && lengths[i + 1][j] >= lengths[i][j + 1]) i++;
    else changed.add(j++);
  }
  return changed;
}

function compared(text, before) {
  const shown = made("span", "text");
  if (text === "") return made("span", "text empty", "(empty)");
  const units = (whole) => (whole.includes(" ") ? whole.split(/(?<= )/) : [...whole]);
  const words = units(text);
  const changed = before === undefined ? new Set() : changedWords(units(before), words);
  words.forEach((word, place) => shown.append(changed.has(place) ? made("mark", "", word) : word));
  return shown;
}

function comparedLine(number, text, before) {
  return made("li", "", null, made("span", "number", number), compared(text, before));
}

function percent(share) {
  return `${Math.round(100 * share)} %`;
}

function showPlace() {
  const place = Number(find("#place").value);
  const samples = journey.places[place];
  const where = `${place + 1} of ${journey.places.length}, ${percent(journey.shares[place])} of the way`;
  find("#where").textContent = where;
  find("#place").setAttribute("aria-valuetext", where);
  const results = find("#walk .results");
  if (facts.images) {
    results.replaceChildren(made("div", "pictures", null, ...samples.map((one, i) => picture(one, `Sample ${i + 1}`))));
    for (const cell of all("#places td")) cell.classList.toggle("here", Number(cell.dataset.place) === place);
    return;
  }
  const before = journey.places[place - 1];
  const list = made("ol", "lines");
  samples.forEach((text, i) => list.append(comparedLine(i + 1, text, before && before[i])));
  results.replaceChildren(list);
}

function showWalked(panel, answer) {
  journey = answer;
  find("#journey").hidden = false;
  const slider = find("#place");
  slider.max = answer.places.length - 1;
  slider.value = 0;
  const count = answer.places[0].length;
  const moving = answer.places[0].filter((one, i) => answer.places.some((samples) => samples[i] !== one)).length;
  find(".status", panel).textContent += moving === 0
    ? `. No sample changes on the way: here this generator does not use its noise`
    : `. ${moving} of ${count} samples change on the way`;
  const places = find("#places");
  if (facts.images) {
    const table = made("table");
    const width = Math.min(PICTURE, find(".found", panel).clientWidth / answer.places.length - 4);
    for (let i = 0; i < count; i++) {
      const row = made("tr");
      answer.places.forEach((samples, place) => {
        const name = `Sample ${i + 1} at ${percent(answer.shares[place])} of the way`;
        const cell = made("td", "", null, picture(samples[i], name, width));
        cell.dataset.place = place;
        row.append(cell);
      });
      table.append(row);
    }
    places.replaceChildren(made("div", "scroll", null, table));
    find("#all").open = true;
  } else {
    places.replaceChildren(...answer.places[0].flatMap((_, i) => {
      const list = made("ol", "lines");
      answer.places.forEach((samples, place) => {
        const before = place === 0 ? undefined : answer.places[place - 1][i];
        list.append(comparedLine(percent(answer.shares[place]), samples[i], before));
      });
      return [made("h3", "", `Sample ${i + 1}`), list];
    }));
  }
  showPlace();
}

function tint(element, score) {
  element.dataset.sign = Math.sign(score);
  element.style.setProperty("--strength", Math.min(1, Math.abs(score) / SATURATED));
}

function tokenShown(token) {
  let text = token.text;
  if (token.end) text = "end";
  else if (text.trim() === "") text = "␣".repeat(Math.max(1, text.length));
  else text = text.trim();
  const shown = made("span", "token", null, made("span", "piece", text));
  const told = [];
  if (token.score !== null) {
    shown.append(made("span", "worth", signed(token.score)));
    tint(shown, token.score);
    told.push(`${signed(token.score, 3)} after the tokens before it`, `${signed(token.prefix, 3)} up to here`);
  }
  if (token.unknown) {
    shown.classList.add("unknown");
    told.push("not in the vocabulary");
  }
  shown.classList.toggle("end", token.end);
  shown.title = told.join("; ");
  return shown;
}

function showScored(panel, answer, lines) {
  const blocks = answer.texts.map((one, i) => {
    if ("misfit" in one) {
      return made("div", "verdict", null, made("p", "problem", `Line ${lines[i].number} is not scored: ${one.misfit}`));
    }
    const heading = made("h3", "", null, made("b", "", signed(one.score)));
    if (facts.no_candidates === null) {
      heading.append(one.score < 0 ? "more like samples than data" : "more like data than samples");
    } else heading.append("by the critic: only differences between texts have a meaning");
    const above = `${percent(one.above)} of ${facts.compared} samples of this run score higher`;
    const tokens = made("div", "tokens", null, ...one.tokens.map(tokenShown));
    const block = made("div", "verdict", null, heading, made("p", "muted above", above), tokens);
    if (one.tokens.some((token) => token.unknown)) {
      block.append(made("p", "muted", "Underlined: not in the vocabulary, so the discriminator reads an unknown token."));
    }
    return block;
  });
  find(".results", panel).replaceChildren(...blocks);
  const scored = answer.texts.filter((one) => !("misfit" in one));
  const status = find(".status", panel);
  if (scored.length < answer.texts.length) status.textContent += `. ${scored.length} of ${answer.texts.length} texts are scored`;
  if (facts.lowercase && scored.some((one) => one.text !== one.text.toLowerCase())) {
    status.textContent += ". Capital letters are read as small ones, as the data are in lower case";
  }
  const each = scored.some((one) => one.tokens.some((token) => token.score !== null));
  find("#legend").hidden = !each;
}

// What the reader does ----------------------------------------------------------------------------------------

async function draw() {
  const form = find("#draw form");
  let values;
  const answer = await answered(form, () => (values = { ...defaults("draw"), ...valuesOf(form) }));
  if (answer) showDrawn(find("#draw"), answer, values);
}

async function walk() {
  const form = find("#walk form");
  const answer = await answered(form, () => {
    const { draws, ...values } = { ...defaults("walk"), ...valuesOf(form) };
    return { ...values, draw_seed: draws === "second" ? values.second : values.first };
  });
  if (answer) showWalked(find("#walk"), answer);
}

async function score() {
  const form = find("#score form");
  let lines;
  const answer = await answered(form, () => {
    lines = form.elements.texts.value.split("\n").map((text, i) => ({ text, number: i + 1 }));
    lines = lines.filter((line) => line.text.trim() !== "");
    return { ...valuesOf(form), texts: lines.map((line) => line.text) };
  });
  if (answer) showScored(find("#score"), answer, lines);
}

function scoreThis(text) {
  find("#score textarea").value = text;
  choose(find("#tab-score"));
  find("#tab-score").focus();
  score();
}

function defaults(kind) {
  const named = Object.entries(facts[kind]).filter(([, one]) => one.default !== null);
  return Object.fromEntries(named.map(([name, one]) => [name, one.default]));
}

function choose(tab) {
  for (const other of all("[role=tab]")) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", chosen);
    other.tabIndex = chosen ? 0 : -1;
    find(`#${other.getAttribute("aria-controls")}`).hidden = !chosen;
  }
  if (tab.id === "tab-walk" && journey === null && facts) walk();
}

function prepareTabs() {
  const tabs = all("[role=tab]");
  tabs.forEach((tab) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const shown = tabs.filter((one) => !one.hidden);
      const place = shown.indexOf(tab);
      const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: shown.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = shown[(to + shown.length) % shown.length];
      next.focus();
      choose(next);
    });
  });
}

function prepareFields(kind) {
  const form = find(`#${kind} form`);
  for (const [name, one] of Object.entries(facts[kind])) {
    const field = form.elements[name];
    if (!field || field.tagName !== "INPUT") continue;
    if (one.least !== null) field.min = one.least;
    if (one.most !== null) field.max = one.most;
    if (one.default !== null) field.value = one.default;
  }
}

function prepareSteps() {
  for (const list of all("select[name=step]")) {
    const options = [new Option("the last", "")];
    if (facts.best !== null) options.push(new Option(`the best (step ${facts.best.toLocaleString("en")})`, "best"));
    for (const step of [...facts.checkpoints].reverse()) options.push(new Option(`step ${step.toLocaleString("en")}`, step));
    list.replaceChildren(...options);
  }
}

function prepareWeights() {
  for (const list of all("select[name=weights]")) {
    for (const option of [...list.options]) if (!facts.weights.includes(option.value)) option.remove();
  }
}

function off(field, hint, reason) {
  field.disabled = true;
  hint.textContent += `${hint.textContent ? " " : ""}${labelOf(field)}: ${reason}.`;
}

function prepareLimits() {
  const form = find("#draw form");
  const hint = find("[data-hint=draw]");
  const { candidates, correct, temperature, count } = form.elements;
  if (facts.no_candidates !== null) off(candidates, hint, facts.no_candidates);
  if (facts.images || facts.no_prefixes === facts.no_candidates && facts.no_prefixes !== null) {
    correct.disabled = true;
    correct.closest("label").hidden = facts.images;
  } else if (facts.no_prefixes !== null) off(correct, hint, facts.no_prefixes);
  if (facts.continuous) {
    off(temperature, hint, "continuous images follow from the noise alone");
    find("#walk form").elements.temperature.disabled = true;
    find("#walk form").elements.draws.disabled = true;
  }
  if (facts.images) count.value = 64;
  if (facts.no_scores !== null) {
    const reason = find("#score .reason");
    find("p", reason).textContent = `This run scores no text: ${facts.no_scores}.`;
    find("code", reason).textContent = facts.remedy;
    find("code", reason).hidden = facts.remedy === null;
    reason.hidden = false;
    for (const other of all("#score form, #score .found")) other.hidden = true;
    find("#tab-score").hidden = facts.images;
  } else {
    find("[data-hint=score]").textContent = facts.no_candidates === null
      ? "The score estimates log p(x) / q(x), data to samples, in nats."
      : "The score is that of a critic.";
    if (facts.lowercase) find("[data-hint=score]").textContent += " Texts are read in lower case, as the data are.";
  }
}

async function begin() {
  prepareTabs();
  for (const [kind, run] of Object.entries({ draw, walk, score })) {
    find(`#${kind} form`).addEventListener("submit", (event) => {
      event.preventDefault();
      run();
    });
  }
  for (const token of all("#legend .token[data-sign]")) token.style.setProperty("--strength", token.dataset.strength);
  find("#place").addEventListener("input", showPlace);
  find("#next-seed").addEventListener("click", () => {
    const seed = find("#draw form").elements.seed;
    seed.value = Number(seed.value) + 1;
    draw();
  });
  find("#score textarea").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    score();
  });
  try {
    facts = await ask("facts", {});
  } catch (error) {
    find("#lost").textContent = error.message;
    find("#lost").hidden = false;
    return;
  }
  find("#run").textContent = facts.run;
  document.title = `${facts.run} – bgan-text explore`;
  find("#about").textContent = facts.about.join(", ");
  prepareSteps();
  prepareWeights();
  prepareFields("draw");
  prepareFields("walk");
  prepareLimits();
  draw();
}

begin();
