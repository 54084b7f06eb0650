// A person's papers: the drawer opens beside them, lanes are switched on and off, the timeline becomes a list.

import { Drawer } from "./drawer.js";

const drawer = new Drawer();
const VIEW = "person-view";

const show = (view) => {
  for (const part of document.querySelectorAll("[data-shown]")) part.hidden = part.dataset.shown !== view;
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
};

const filter = () => {
  const off = new Set(
    [...document.querySelectorAll('[data-lane][aria-pressed="false"]')].map((button) => button.dataset.lane),
  );
  for (const cell of document.querySelectorAll("[data-lane-column]")) cell.hidden = off.has(cell.dataset.laneColumn);
  for (const row of document.querySelectorAll("[data-lane-row]")) row.hidden = off.has(row.dataset.laneRow);
};

// A lane without a paper takes little room: its column is narrow, its name stays.
for (const head of document.querySelectorAll("th[data-lane-column]")) {
  const cells = document.querySelectorAll(`td[data-lane-column="${head.dataset.laneColumn}"] .paper`);
  head.classList.toggle("is-bare", cells.length === 0);
}

document.addEventListener("click", (event) => {
  const paper = event.target.closest("[data-paper]");
  if (paper) drawer.show(paper.dataset.preview, paper.dataset.page, paper);
  const lane = event.target.closest("[data-lane]");
  if (lane) {
    lane.setAttribute("aria-pressed", String(lane.getAttribute("aria-pressed") !== "true"));
    filter();
  }
  const view = event.target.closest("[data-view]");
  if (view) {
    show(view.dataset.view);
    window.sessionStorage.setItem(VIEW, view.dataset.view);
  }
});

const remembered = window.sessionStorage.getItem(VIEW);
const narrow = window.matchMedia("(max-width: 760px)").matches;
if (document.querySelector("[data-shown]")) show(remembered === "list" && !narrow ? "list" : "timeline");
