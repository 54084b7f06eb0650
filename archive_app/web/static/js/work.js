// The chip of running work: asks now and then, more often while there is some; looking does not keep a session alive.

const chip = document.querySelector("[data-work]");
const BUSY_MS = 4000;
const IDLE_MS = 30000;
let timer = 0;

const ask = async () => {
  clearTimeout(timer);
  if (document.hidden) return;
  let wait = IDLE_MS;
  try {
    const response = await fetch(chip.dataset.work, { headers: { Accept: "application/json" } });
    if (!response.ok) return; // signed out: the next page says so
    const work = await response.json();
    chip.hidden = !work.left;
    if (!work.left) chip.open = false;
    const text = chip.querySelector("[data-work-text]");
    text.parentElement.dataset.left = work.left;
    text.textContent = text.dataset.words.replace("{count}", work.left);
    const sheet = chip.querySelector("[data-work-sheet]");
    if (!sheet.contains(document.activeElement)) sheet.innerHTML = work.sheet;
    if (work.left) wait = BUSY_MS;
  } catch {
    wait = IDLE_MS; // the line is broken; the chip stays as it was
  }
  timer = setTimeout(ask, wait);
};

document.addEventListener("visibilitychange", ask);
document.addEventListener("batch-changed", ask);
ask();
