// Review by keyboard: Tab and Enter halt where a person should look, the view glides there, and the next record is there
// before it is asked for. What was typed survives a stale version and a broken line.

import { PageViewer, crop } from "./viewer.js";
import { Chooser } from "./chooser.js";
import { changePage } from "./page_changes.js";
import { call, fill, post, tell, tellAt } from "./talk.js";

const right = document.getElementById("right");
const start = JSON.parse(document.getElementById("review-data").textContent);
const choices = { types: start.types, classes: start.classes };

let record = start.record;
let seen = new Set();
let here = null; // the input that the view stands at
let busy = false;
let ahead = null; // { url, answer: Promise }
let last = null; // the confirmation that can be taken back

const viewer = new PageViewer(document.getElementById("viewer"), record.viewer);
const form = () => document.getElementById("panel");
const inputs = () => [...form().querySelectorAll("input[data-was]:not([type=hidden]), textarea[data-was], .chooser-text")];
const stops = () => inputs().filter((input) => input.hasAttribute("data-stop"));
const visible = (input) => input.offsetParent !== null;

// ---- the fields and where they were read

function boxOf(input) {
  return input.dataset.box ? JSON.parse(input.dataset.box) : null;
}

function marks() {
  const found = [];
  for (const input of inputs()) {
    const box = boxOf(input);
    if (!box) continue;
    const doubtful = input.hasAttribute("data-stop") && (input === here || !seen.has(input.name));
    const kind = `${doubtful ? "doubtful" : "read"}${input === here ? " current" : ""}`;
    found.push({ page: Number(input.dataset.page), box, kind, id: input.name });
  }
  return found;
}

function leave() {
  const row = here?.closest(".one");
  if (!row) return;
  row.classList.remove("here");
  row.querySelector(".detail")?.setAttribute("hidden", "");
  row.querySelector(".crop")?.setAttribute("hidden", "");
}

function arrive(input) {
  if (here === input) return;
  leave();
  here = input;
  const row = input.closest(".one");
  row?.classList.add("here");
  const detail = row?.querySelector(".detail");
  if (detail?.firstElementChild) detail.hidden = false;
  const box = boxOf(input);
  const page = box && record.viewer.pages.find((one) => one.number === Number(input.dataset.page));
  const cut = row?.querySelector(".crop");
  if (cut && page?.image) {
    cut.hidden = false;
    cut.style.width = "";
    crop(cut, page, box);
  }
  if (input.hasAttribute("data-stop")) see(input);
  viewer.mark(marks());
  if (page) viewer.show(page.number, box);
  row?.scrollIntoView({ block: "nearest" });
}

function see(input) {
  seen.add(input.name || input.id);
  input.closest(".one")?.classList.add("seen");
  input.classList.add("seen");
  count();
}

const unseen = () => stops().filter((input) => !seen.has(input.name || input.id));

function count() {
  const left = document.getElementById("left");
  if (left) left.textContent = unseen().length ? fill(left.dataset.left, { n: unseen().length }) : "";
}

function goTo(input) {
  input.closest("details")?.setAttribute("open", "");
  input.focus({ preventScroll: true });
  if (input.select) input.select();
}

function nextStop(from, by) {
  const all = stops();
  const order = inputs();
  const place = order.indexOf(from);
  const ahead = by > 0 ? all : [...all].reverse();
  return ahead.find((input) => (order.indexOf(input) - place) * by > 0);
}

function begin() {
  const first = stops()[0];
  if (first) goTo(first);
  else document.getElementById("confirm")?.focus({ preventScroll: true });
}

// ---- what was typed

function changed() {
  const values = {};
  for (const input of inputs()) {
    if (input.name.startsWith("value:") && input.value !== input.dataset.was) {
      values[input.name.slice("value:".length)] = input.value;
    }
  }
  return values;
}

function body(extra = {}) {
  const data = form().elements;
  const title = data.title.value !== data.title.dataset.was ? data.title.value : null;
  const formed = data.formed_on.value !== data.formed_on.dataset.was ? data.formed_on.value : "";
  const type = data.type.value !== data.type.dataset.was ? data.type.value : "";
  return { version: record.version, type, class: data.class.value, title, formed_on: formed, level: data.level.value, values: changed(), ...extra };
}

function before() {
  const data = form().elements;
  const values = {};
  for (const name of Object.keys(changed())) {
    values[name] = form().querySelector(`[name="value:${CSS.escape(name)}"]`).dataset.was;
  }
  return { type: data.type.dataset.was, title: data.title.dataset.was, formed_on: data.formed_on.dataset.was, values };
}

function typed() {
  const kept = new Map();
  for (const input of inputs()) if (input.name && input.value !== input.dataset.was) kept.set(input.name, input.value);
  return { kept, type: form().elements.type.value, class: form().elements.class.value };
}

/** Puts back what was typed, and answers the first field it stands in. */
function retype({ kept }) {
  let first = null;
  for (const [name, value] of kept) {
    const input = form().querySelector(`[name="${CSS.escape(name)}"]`) ?? addField(name.replace("value:", ""));
    if (!input || input.value === value) continue;
    input.value = value;
    touched(input);
    first ??= input;
  }
  return first;
}

function touched(input) {
  const differs = input.value !== input.dataset.was;
  input.closest(".one")?.classList.toggle("changed", differs);
  input.classList.toggle("changed", differs);
  clearFault(input);
}

function clearFault(input) {
  input.removeAttribute("aria-invalid");
  input.closest(".one, .what")?.querySelector(".fault")?.remove();
}

function faultAt(name, text) {
  const aliases = { type: "type-text", class: "class-text" };
  const input = aliases[name]
    ? document.getElementById(aliases[name])
    : form().querySelector(`[name="value:${CSS.escape(name)}"], [name="${CSS.escape(name)}"]`);
  if (!input) return null;
  input.setAttribute("aria-invalid", "true");
  const told = document.createElement("p");
  told.className = "fault";
  told.textContent = text;
  (input.closest(".one") ?? input.closest(".what") ?? input.parentElement).append(told);
  return input;
}

function addField(key) {
  const select = document.getElementById("add-field");
  const option = select && [...select.options].find((one) => one.value === key);
  if (!option) return null;
  const line = document.createElement("li");
  line.className = "one";
  line.dataset.row = key;
  const title = document.createElement("label");
  title.textContent = option.textContent;
  title.htmlFor = `f-new-${key}`;
  const input = document.createElement("input");
  input.id = title.htmlFor;
  input.name = `value:${key}`;
  input.dataset.was = "";
  input.autocomplete = "off";
  line.append(title, input);
  document.getElementById("fields").append(line);
  option.remove();
  select.value = "";
  return input;
}

// ---- from record to record

function show(answer, { push = true, keep = null } = {}) {
  record = answer;
  seen = new Set();
  here = null;
  right.innerHTML = answer.panel;
  right.removeAttribute("aria-busy");
  viewer.load(answer.viewer);
  document.title = document.title.replace(/^.*? · /, `${answer.title} · `);
  document.getElementById("record-title").textContent = answer.title;
  if (push) history.pushState({}, "", answer.url);
  const position = document.getElementById("position");
  position.textContent = fill(answer.position ? position.dataset.words : position.dataset.outside, answer);
  for (const name of ["previous", "next"]) document.getElementById(name).setAttribute("href", answer[name] ?? "");
  const number = document.getElementById("batch-number");
  if (number && answer.batch) number.textContent = answer.batch;
  wire();
  const kept = keep ? retype(keep) : null;
  if (kept) goTo(kept);
  else begin();
  prefetch();
}

function wire() {
  viewer.mark(marks());
  for (const holder of form().querySelectorAll("[data-chooser]")) {
    const kind = holder.dataset.chooser;
    new Chooser(holder, kind === "types" ? typeOptions : classOptions, (chosen) => choose(kind, chosen));
  }
  for (const one of document.querySelectorAll("#arranging [data-act]")) {
    const act = one.dataset.act;
    one.disabled = (act === "merge" && !record.merge_into) || (act === "split" && record.viewer.pages.length < 2);
  }
  count();
}

const typeOptions = () => choices.types;

function classOptions() {
  const type = choices.types.find((one) => one.code === form().elements.type.value);
  const first = new Set(type?.classes ?? []);
  return [...choices.classes].sort((one, other) => first.has(other.code) - first.has(one.code)).map((one) => ({ ...one, text: `${one.code} ${one.text}`, small: first.has(one.code) ? "★" : "" }));
}

async function choose(kind, chosen) {
  const holder = form().querySelector(`[data-chooser="${kind}"]`);
  const hidden = holder.querySelector("input[type=hidden]");
  hidden.value = chosen.code;
  see(holder.querySelector(".chooser-text"));
  if (kind === "classes") return;
  const keep = typed();
  const address = new URL(record.url, location.href);
  address.searchParams.set("as_type", chosen.code);
  const { ok, answer } = await call(address).catch(() => ({ ok: false }));
  if (!ok) return tell("offline");
  // The fields of the chosen type, with what was typed; the view stays where it is.
  const was = form().elements.type.dataset.was;
  right.innerHTML = answer.panel;
  here = null;
  seen.delete("type-text");
  form().elements.type.dataset.was = was;
  record = { ...record, panel: answer.panel };
  wire();
  retype(keep);
  see(document.getElementById("type-text"));
  const next = unseen()[0];
  if (next) goTo(next);
  else document.getElementById("confirm").focus();
}

function prefetch() {
  ahead = null;
  if (!record.next) return;
  const url = record.next;
  const answer = call(url).then((got) => {
    if (!got.ok) return null;
    const first = got.answer.viewer.pages[0];
    if (first?.image) new Image().src = first.image; // so that the scan is there too
    return got.answer;
  });
  ahead = { url, answer: answer.catch(() => null) };
}

const keyOf = (url) => new URL(url, location.href).pathname;

async function open(url, options) {
  if (!url) return;
  busy = true;
  right.setAttribute("aria-busy", "true");
  try {
    let answer = ahead && keyOf(ahead.url) === keyOf(url) ? await ahead.answer : null;
    if (!answer || options?.fresh) {
      const got = await call(url);
      if (!got.ok) {
        location.assign(url);
        return;
      }
      answer = got.answer;
    }
    // The place in the queue was counted before this record left it.
    if (options?.shift && answer.position && options.shift < answer.position) answer.position -= 1;
    if (options?.shift) answer.total -= 1;
    show(answer, options);
  } catch {
    right.removeAttribute("aria-busy");
    tell("offline");
  } finally {
    busy = false;
  }
}

async function onward(answer) {
  const fromQueue = record.position;
  if (!answer.next) return tellAt(answer.queue, [answer.done, "end"], answer);
  tell(answer.done, answer);
  await open(answer.next, { shift: fromQueue });
}

function refuse({ status, answer }) {
  right.removeAttribute("aria-busy");
  for (const old of form().querySelectorAll(".one > .fault, .what > .fault")) old.remove();
  const general = document.getElementById("panel-fault");
  general.hidden = true;
  if (status === 409 && answer.code === "stale-version") return stale();
  let first = null;
  let rest = answer.detail ?? "";
  for (const [name, text] of Object.entries(answer.faults ?? {})) {
    const input = faultAt(name, text);
    if (input) first ??= input;
    else rest = `${rest} ${name}: ${text}`;
  }
  if (rest.trim() || !first) {
    general.textContent = rest.trim() || String(status);
    general.hidden = false;
  }
  if (first) goTo(first);
}

async function stale() {
  const keep = typed();
  const got = await call(record.url);
  if (!got.ok) return location.reload();
  show(got.answer, { push: false, keep });
  tell("stale");
}

function address(act) {
  const place = new URL(record.url, location.href);
  place.pathname += `/${act}`;
  return place;
}

async function act(name, data) {
  if (busy) return;
  busy = true;
  right.setAttribute("aria-busy", "true");
  try {
    const result = await post(address(name), data);
    busy = false;
    if (!result.ok) return refuse(result);
    return result.answer;
  } catch {
    right.removeAttribute("aria-busy");
    tell("offline");
  } finally {
    busy = false;
  }
}

async function confirm(andFile) {
  if (busy) return;
  if (!document.getElementById("confirm")) return;
  const waiting = unseen();
  if (waiting.length) return goTo(waiting[0]);
  if (andFile && !document.getElementById("confirm-file")) return;
  const undoing = { url: address("undo"), body: before(), filed: andFile };
  const answer = await act("confirm", body({ file: Boolean(andFile) }));
  if (!answer) return;
  last = undoing;
  document.getElementById("undo").disabled = false;
  await onward(answer);
}

async function undo() {
  if (!last || busy) return;
  if (last.filed) return tell("nothingToUndo");
  const { ok, answer } = await post(last.url, last.body).catch(() => ({ ok: false, answer: {} }));
  if (!ok) return tell(answer.detail ?? "offline");
  const [name] = Object.keys(last.body.values);
  last = null;
  document.getElementById("undo").disabled = true;
  ahead = null;
  await open(answer.next, { fresh: true });
  const corrected = name && form().querySelector(`[name="value:${CSS.escape(name)}"]`);
  if (corrected) goTo(corrected);
  tell("undone");
}

// ---- arranging

function ask(dialog) {
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}

const span = (from, to) => (from === to ? String(from) : `${from}–${to}`);

async function sure(kind, values) {
  for (const id of ["ask-sure-title", "ask-sure-text"]) {
    const element = document.getElementById(id);
    element.textContent = fill(element.dataset[kind], values);
  }
  return ask(document.getElementById("ask-sure"));
}

async function arrange(kind) {
  const page = viewer.current?.number ?? 1;
  const pages = record.viewer.pages.length;
  if (kind === "change") return changePage({ record: record.id, page, pages });
  let data = null;
  if (kind === "split") {
    const at = page > 1 ? page : 2;
    if (pages > 1 && (await sure("split", { page: at, stay: span(1, at - 1), go: span(at, pages) }))) data = { act: "split", page: at };
  } else if (kind === "merge" && record.merge_into) {
    const [target, title] = record.merge_into;
    if (await sure("merge", { pages, title })) data = { act: "merge", target };
  } else if (kind === "move") {
    const select = document.getElementById("move-target");
    const fresh = new Option(select.dataset.fresh, "new");
    select.replaceChildren(...(pages > 1 ? [fresh] : []), ...record.targets.map(([id, title]) => new Option(title, id)));
    const heading = document.getElementById("move-title");
    heading.textContent = fill(heading.dataset.text, { page });
    if (select.options.length && (await ask(document.getElementById("ask-move")))) {
      data = { act: "move", page, target: select.value };
    }
  } else if (kind === "rescan") {
    const reason = document.getElementById("rescan-reason");
    reason.value = "";
    if (!(await ask(document.getElementById("ask-rescan"))) || !reason.value.trim()) return;
    const answer = await act("rescan", { reason: reason.value });
    if (answer) await onward(answer);
    return;
  }
  if (!data) return;
  const answer = await act("arrange", { ...data, version: record.version });
  if (answer) await onward(answer);
}

// ---- hands

function takeAlternative(number) {
  const offered = here?.closest(".one")?.querySelectorAll("[data-alternative]")[number - 1];
  if (!offered) return false;
  here.value = offered.dataset.alternative;
  touched(here);
  here.focus();
  here.select?.();
  return true;
}

function isTyping(target) {
  return target.matches?.("input:not([type=checkbox]), textarea, select") ?? false;
}

function digit(event) {
  const number = /^(?:Digit|Numpad)([1-5])$/.exec(event.code)?.[1];
  if (!number || event.ctrlKey || event.metaKey) return false;
  const target = event.target;
  const whole = isTyping(target) && target.selectionStart === 0 && target.selectionEnd === target.value.length;
  const bare = !isTyping(target) || (whole && target === here && !("digits" in target.dataset));
  return (event.altKey || bare) && takeAlternative(Number(number));
}

function onEnter(event) {
  if (event.target.closest("a, button, summary, select, dialog") && !event.ctrlKey) return false;
  confirm(event.ctrlKey || event.metaKey);
  return true;
}

function onTab(event) {
  if (!form().contains(event.target) || event.target.closest(".panel-foot")) return false;
  const to = nextStop(event.target, event.shiftKey ? -1 : 1);
  if (to) goTo(to);
  else if (!event.shiftKey) document.getElementById("confirm")?.focus();
  else return false;
  return true;
}

function onArrow(event) {
  if (event.altKey) {
    open(event.key === "ArrowDown" ? record.next : record.previous);
    return true;
  }
  if (!isTyping(event.target) || event.target.matches("textarea, select") || event.ctrlKey) return false;
  const order = inputs().filter(visible);
  const to = order[order.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
  if (!to || !order.includes(event.target)) return false;
  goTo(to);
  return true;
}

const LETTERS = { s: "split", m: "move", u: "merge", p: "change", x: "rescan" };

function onKey(event) {
  // While an input method composes, every key is the input method's.
  if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return false;
  if (event.target.closest?.("dialog")) return false;
  if (event.key === "Enter") return onEnter(event);
  if (event.key === "Tab") return onTab(event);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") return onArrow(event);
  if (event.key === "PageDown" || event.key === "PageUp") return viewer.key(event);
  if (event.key === "Escape" && form().contains(event.target)) {
    event.target.blur();
    return true;
  }
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && key === "z") {
    const own = isTyping(event.target) && event.target.value !== event.target.dataset.was;
    if (own || !last) return false;
    undo();
    return true;
  }
  if (digit(event)) return true;
  if (event.altKey && (event.code === "KeyT" || event.code === "KeyC")) {
    goTo(document.getElementById(event.code === "KeyT" ? "type-text" : "class-text"));
    return true;
  }
  if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "?") {
    document.getElementById("ask-help").showModal();
    return true;
  }
  if (LETTERS[key]) {
    arrange(LETTERS[key]);
    return true;
  }
  return viewer.key(event);
}

document.addEventListener("keydown", (event) => {
  if (onKey(event)) event.preventDefault();
});
right.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-was]:not([type=hidden]):not(select), .chooser-text")) arrive(event.target);
});
right.addEventListener("input", (event) => {
  if (event.target.dataset.was !== undefined) touched(event.target);
});
right.addEventListener("change", (event) => {
  if (event.target.id !== "add-field" || !event.target.value) return;
  goTo(addField(event.target.value));
});
right.addEventListener("mousedown", (event) => {
  const offered = event.target.closest("[data-alternative]");
  if (!offered) return;
  event.preventDefault(); // the field keeps the focus
  takeAlternative([...offered.closest("ul").querySelectorAll("[data-alternative]")].indexOf(offered) + 1);
});
right.addEventListener("submit", (event) => {
  event.preventDefault();
  confirm(event.submitter?.name === "file");
});
viewer.element.addEventListener("box", (event) => {
  const input = form().querySelector(`[name="${CSS.escape(event.detail.id)}"]`);
  if (input) goTo(input);
});
document.getElementById("arranging").addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-act]");
  if (chosen) arrange(chosen.dataset.act);
});
for (const name of ["previous", "next"]) {
  document.getElementById(name).addEventListener("click", (event) => {
    event.preventDefault();
    open(record[name]);
  });
}
for (const asking of document.querySelectorAll("dialog form")) {
  asking.addEventListener("submit", (event) => event.stopPropagation()); // it sends nothing and may be asked again
}
document.getElementById("undo").addEventListener("click", undo);
document.getElementById("help").addEventListener("click", () => document.getElementById("ask-help").showModal());
window.addEventListener("popstate", () => location.reload());
window.addEventListener("beforeunload", (event) => {
  if (!busy && Object.keys(changed()).length) event.preventDefault();
});

wire();
begin();
prefetch();
