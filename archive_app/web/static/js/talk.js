// Talking: to the server in JSON with the form's token, and to the person in one line at the foot of the page.

const token = document.querySelector('meta[name="csrf-token"]').content;
const toast = document.getElementById("toast");
const SAID = "said";
const SAID_MS = 5000;
let timer = 0;

/** The text with each `{name}` filled in. */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The text that the page holds for this kind of event, or the text itself. */
function said(kind, values) {
  const name = kind.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
  return fill(toast.dataset[name] ?? kind, values);
}

function show(text) {
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => (toast.hidden = true), SAID_MS);
}

/** Says it. */
export const tell = (kind, values = {}) => show(said(kind, values));

/** Goes to a page that says each of these kinds of events when it is there. */
export function tellAt(address, kinds, values = {}) {
  window.sessionStorage.setItem(SAID, kinds.map((kind) => said(kind, values)).join(" · "));
  window.location.assign(address);
}

const brought = window.sessionStorage.getItem(SAID);
window.sessionStorage.removeItem(SAID);
if (brought) show(brought);

/** Answers `{ok, status, answer}`; throws only if the line is broken. */
export async function call(address, options = {}) {
  const response = await fetch(address, {
    ...options,
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token },
  });
  const answer = await response.json().catch(() => ({}));
  return { ok: response.ok, status: response.status, answer };
}

export const post = (address, body) => call(address, { method: "POST", body: JSON.stringify(body) });
