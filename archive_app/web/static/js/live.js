// A batch as it fills: asks what changed and puts only that on the page. The rate survives leaving and coming back.

const section = document.getElementById("batch");
const files = document.getElementById("files");
const token = document.querySelector('meta[name="csrf-token"]').content;
const FASTEST_MS = 1200;
const IDLE_MS = 15000;
const WINDOW_MS = 90000; // over which pages a minute are counted
const sampleKey = `rate ${location.pathname}`;

let timer = 0;
let asking = false;
let wanted = false;

function known() {
  return Object.fromEntries([...files.rows].map((row) => [row.dataset.file, row.dataset.stamp]));
}

function rowOf(html) {
  const holder = document.createElement("tbody");
  holder.innerHTML = html;
  return holder.firstElementChild;
}

function place(answer) {
  const rows = new Map([...files.rows].map((row) => [row.dataset.file, row]));
  for (const { id, html } of answer.rows) {
    const fresh = rowOf(html);
    fresh.classList.add("fresh");
    rows.get(id)?.replaceWith(fresh);
    rows.set(id, fresh);
  }
  answer.order.forEach((id, position) => {
    const row = rows.get(id);
    if (row && files.rows[position] !== row) files.insertBefore(row, files.rows[position] ?? null);
  });
  const kept = new Set(answer.order);
  for (const [id, row] of rows) if (!kept.has(id)) row.remove();
  document.getElementById("no-files").hidden = answer.order.length > 0;
}

function swap(element, html) {
  // Not while somebody stands in it with the keyboard: the focus would be lost.
  if (element.dataset.html !== html && !element.contains(document.activeElement)) element.innerHTML = html;
  element.dataset.html = html;
}

function samples(done, all) {
  const now = Date.now();
  let kept = [];
  try {
    kept = JSON.parse(sessionStorage.getItem(sampleKey) ?? "[]");
  } catch {
    kept = []; // a tab without storage counts from its own beginning
  }
  kept = kept.filter(([at, count]) => now - at < WINDOW_MS && count <= done);
  kept.push([now, done, all]);
  sessionStorage.setItem(sampleKey, JSON.stringify(kept.slice(-120)));
  return kept;
}

function pagesAMinute(done, all) {
  const kept = samples(done, all);
  const [from, first] = kept[0];
  const minutes = (Date.now() - from) / 60000;
  return minutes > 0.05 && done > first ? (done - first) / minutes : null;
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function duration(words, minutes) {
  if (minutes < 1) return fill(words.seconds, { n: Math.max(5, Math.round((minutes * 60) / 5) * 5) });
  if (minutes < 90) return fill(words.minutes, { n: Math.round(minutes) });
  return fill(words.hours, { n: Math.round(minutes / 6) / 10 });
}

function tell(answer) {
  const running = document.getElementById("running");
  running.hidden = !answer.working;
  if (!answer.working) return;
  const text = document.getElementById("running-text");
  const words = text.dataset;
  const { pages_done: done, pages: all } = answer;
  const bar = document.getElementById("running-bar");
  bar.max = Math.max(all, 1);
  bar.value = done;
  const rate = pagesAMinute(done, all);
  const parts = [];
  if (answer.waiting) parts.push(fill(words.examining, { count: answer.waiting }));
  if (all > done) parts.push(fill(words.reading, { done, all }));
  if (rate) parts.push(fill(words.rate, { rate: rate < 10 ? rate.toFixed(1) : Math.round(rate) }));
  if (rate && all > done) parts.push(fill(words.left, { time: duration(words, (all - done) / rate) }));
  text.textContent = parts.join(" · ") || words.finishing;
}

async function ask() {
  if (asking) {
    wanted = true;
    return;
  }
  asking = true;
  clearTimeout(timer);
  const began = performance.now();
  let wait = IDLE_MS;
  try {
    const response = await fetch(section.dataset.live, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ known: known() }),
    });
    if (response.ok) {
      const answer = await response.json();
      place(answer);
      swap(document.getElementById("balance"), answer.balance);
      swap(document.getElementById("acts"), answer.acts);
      document.getElementById("shown-count").textContent = answer.total.toLocaleString("en");
      tell(answer);
      if (answer.working) wait = Math.max(FASTEST_MS, 4 * (performance.now() - began));
    } else if (response.status === 401 || response.status === 404) {
      location.reload();
      return;
    }
  } catch {
    wait = IDLE_MS; // the line is broken; the page stays as it is and asks again
  } finally {
    asking = false;
  }
  if (wanted) {
    wanted = false;
    wait = FASTEST_MS / 2;
  }
  timer = setTimeout(ask, wait);
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
});
document.querySelectorAll("dialog[data-open]").forEach((dialog) => dialog.showModal());
document.addEventListener("batch-changed", ask);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) ask();
});

tell({
  working: section.dataset.working === "yes",
  pages_done: Number(section.dataset.pagesDone),
  pages: Number(section.dataset.pages),
  waiting: 0,
});
timer = setTimeout(ask, section.dataset.working === "yes" ? 200 : IDLE_MS);
