// A record: the viewer shows the paper; places in the description lead to it, `n` and `p` go from hit to hit.

import { PageViewer } from "./viewer.js";

const element = document.querySelector("[data-viewer]");
const data = JSON.parse(document.getElementById("viewer-data").textContent);
const hits = data.pages.flatMap((page) => page.boxes.map((box) => ({ page: page.number, box, kind: "hit" })));
const viewer = element && new PageViewer(element, data);
let hit = -1;

const asMarks = (current) => hits.map((mark) => (mark === current ? { ...mark, kind: "current" } : mark));

const next = (step) => {
  if (!hits.length) return;
  hit = hit < 0 ? (step > 0 ? 0 : hits.length - 1) : (hit + step + hits.length) % hits.length;
  viewer.mark(asMarks(hits[hit]));
  viewer.show(hits[hit].page, hits[hit].box);
};

document.addEventListener("click", (event) => {
  const go = event.target.closest("[data-go-page]");
  if (!go || !viewer) return;
  const page = Number(go.dataset.goPage);
  const box = go.dataset.goBox?.split(",").map(Number) ?? null;
  viewer.mark([...hits, ...(box ? [{ page, box, kind: "current" }] : [])]);
  viewer.show(page, box);
  element.scrollIntoView({ block: "nearest" });
});

document.addEventListener("keydown", (event) => {
  if (!viewer || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const step = { n: 1, p: -1 }[event.key.toLowerCase()];
  if (step) {
    event.preventDefault();
    next(step);
  } else if (!event.target.closest('[role="tablist"], [role="tabpanel"]')) {
    viewer.key(event);
  }
});

// A page asked for in the address comes before the first hit.
const asked = Number(element?.dataset.firstPage ?? 1);
if (viewer && asked > 1) viewer.turnTo(asked);
