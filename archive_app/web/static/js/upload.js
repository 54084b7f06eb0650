// Files and folders go into the batch one request a file, two at a time, with progress and retry; the page is the drop zone.

const form = document.getElementById("upload");
const words = form.dataset;
const token = document.querySelector('meta[name="csrf-token"]').content;
const panel = document.getElementById("sending");
const list = document.getElementById("sending-list");
const retryAll = document.getElementById("retry-all");
const LANES = 2;
const SHOWN = 40; // lines at a time: a folder of thousands must not become thousands of elements

const waiting = [];
const failed = new Set();
let running = 0;
let all = 0;
let done = 0;
let tellTimer = 0;

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

class Sending {
  constructor(file, path) {
    this.file = file;
    this.path = path;
    this.line = null;
  }

  show() {
    if (this.line || list.children.length >= SHOWN) return;
    this.line = document.createElement("li");
    const path = document.createElement("span");
    path.className = "path";
    path.textContent = this.path;
    this.bar = document.createElement("progress");
    this.bar.max = 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", this.path);
    this.why = document.createElement("span");
    this.why.className = "fault";
    this.line.append(path, this.bar, this.why);
    list.append(this.line);
  }

  hide() {
    this.line?.remove();
    this.line = null;
  }

  fail(why) {
    failed.add(this);
    this.show();
    if (!this.line) return;
    this.why.textContent = why;
    const again = document.createElement("button");
    again.type = "button";
    again.className = "button quiet small";
    again.textContent = words.retry;
    again.addEventListener("click", () => retry([this]));
    this.line.append(again);
  }

  request() {
    const body = new FormData();
    if (this.file.size > Number(words.limit)) {
      body.append("path", this.path);
      body.append("size", this.file.size);
      return [words.unsent, body];
    }
    body.append("path", this.path);
    body.append("file", this.file, this.file.name);
    return [form.action, body];
  }

  send() {
    this.show();
    const [address, body] = this.request();
    return new Promise((finish) => {
      const request = new XMLHttpRequest();
      request.open("POST", address);
      request.setRequestHeader("X-CSRFToken", token);
      request.setRequestHeader("Accept", "application/json");
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => {
        if (this.bar && event.lengthComputable) this.bar.value = event.loaded / event.total;
      });
      request.addEventListener("load", () => {
        const ok = request.status < 300;
        if (!ok) this.fail(request.response?.detail ?? String(request.status));
        finish(ok);
      });
      request.addEventListener("error", async () => {
        const readable = await this.file.slice(0, 1).arrayBuffer().then(() => true, () => false);
        this.fail(readable ? words.offline : words.unreadable);
        finish(false);
      });
      request.send(body);
    });
  }
}

function tell() {
  panel.hidden = false;
  const bar = document.getElementById("sending-bar");
  bar.max = all;
  bar.value = done;
  const going = running > 0 || waiting.length > 0;
  const parts = [fill(going ? words.sending : words.allSent, { done: Math.min(done + running, all), all: going ? all : done })];
  if (failed.size) parts.push(fill(words.failed, { count: failed.size }));
  document.getElementById("sending-text").textContent = parts.join(" ");
  bar.hidden = !going;
  retryAll.hidden = failed.size < 2;
  if (going || failed.size) return;
  clearTimeout(tellTimer);
  tellTimer = setTimeout(() => {
    if (running || waiting.length || failed.size) return;
    panel.hidden = true;
    all = done = 0;
  }, 6000);
}

async function lane() {
  running += 1;
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    tell();
    const ok = await next.send();
    if (ok) {
      done += 1;
      next.hide();
    }
    document.dispatchEvent(new Event("batch-changed"));
  }
  running -= 1;
  tell();
}

function start() {
  for (let free = LANES - running; free > 0 && waiting.length >= free; free -= 1) lane();
  if (!running && waiting.length) lane();
}

function add(entries) {
  for (const { file, path } of entries) waiting.push(new Sending(file, path));
  all += entries.length;
  if (entries.length) start();
}

function retry(which) {
  for (const one of which) {
    failed.delete(one);
    one.hide();
    waiting.push(one);
  }
  start();
  tell();
}

async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!part.length) break; // a reader gives a hundred at a time
    for (const inner of part) found.push(...(await walk(inner)));
  }
  return found.sort((one, other) => one.path.localeCompare(other.path, "zh", { numeric: true }));
}

function pick(input) {
  add([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
  input.value = "";
}

let veil = null;
let depth = 0;
const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

function lift() {
  depth = 0;
  veil?.remove();
  veil = null;
}

document.addEventListener("dragenter", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth += 1;
  if (veil) return;
  veil = document.createElement("div");
  veil.className = "veil";
  veil.textContent = words.veil;
  document.body.append(veil);
});
document.addEventListener("dragover", (event) => {
  if (carriesFiles(event)) event.preventDefault();
});
document.addEventListener("dragleave", (event) => {
  if (!carriesFiles(event)) return;
  depth -= 1;
  if (depth <= 0) lift();
});
document.addEventListener("drop", async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  lift();
  // The list of items is emptied when this handler first waits: take the entries now.
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  for (const entry of entries) add(await walk(entry));
});

document.getElementById("pick-files").addEventListener("change", (event) => pick(event.target));
document.getElementById("pick-folder").addEventListener("change", (event) => pick(event.target));
retryAll.addEventListener("click", () => retry([...failed]));
form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("beforeunload", (event) => {
  if (running || waiting.length) event.preventDefault();
});
