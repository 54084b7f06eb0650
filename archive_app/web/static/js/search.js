// The hits under the hand: J and K move, Space looks, Enter opens, Esc closes; the drawer shows the page hit.

import { Drawer } from "./drawer.js";

const hits = [...document.querySelectorAll("[data-hit]")];
const drawer = new Drawer(document.querySelector("[data-words] input")?.value ?? "");
let current = -1;

const mark = (place, { scroll = true } = {}) => {
  hits[current]?.classList.remove("is-current");
  current = Math.max(0, Math.min(hits.length - 1, place));
  const hit = hits[current];
  hit.classList.add("is-current");
  hit.querySelector(".hit-title").focus({ preventScroll: true });
  if (scroll) hit.scrollIntoView({ block: "nearest" });
};

const peek = (page) => {
  const hit = hits[current];
  return drawer.show(hit.dataset.preview, page ?? hit.dataset.page, hit.querySelector(".hit-title"));
};

document.addEventListener("click", (event) => {
  const peeker = event.target.closest("[data-peek]");
  if (peeker) {
    mark(hits.indexOf(peeker.closest("[data-hit]")), { scroll: false });
    peek(peeker.dataset.peek);
  }
  const all = event.target.closest("[data-facet-all]");
  if (all) {
    for (const more of all.closest(".facet").querySelectorAll(".facet-more")) more.hidden = false;
    all.remove();
  }
});

for (const select of document.querySelectorAll("[data-send-on-change]")) {
  select.addEventListener("change", () => hits.length && select.form.requestSubmit());
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const step = { j: 1, k: -1 }[event.key.toLowerCase()];
  if (step && hits.length) {
    event.preventDefault();
    mark(current + step);
    if (drawer.open) peek();
  } else if (event.key === " " && current >= 0 && event.target.matches(".hit-title, body")) {
    event.preventDefault();
    if (drawer.open) drawer.close();
    else peek();
  } else if (event.key === "Enter" && drawer.open && event.target.matches("body")) {
    drawer.enter();
  }
});

// On a small screen the facets wait behind one line.
if (window.matchMedia("(max-width: 900px)").matches) {
  document.querySelector("[data-facets]")?.removeAttribute("open");
}
