// Pages replaced, inserted or taken out while a record is under review: one dialog, told of the page in view and of the
// record in hand by the review page, sent as a plain form.

import { fill } from "./talk.js";

const dialog = document.getElementById("ask-page");
const place = document.getElementById("page-place");

/** Asks what is to become of the page in view. */
export function changePage({ record, page, pages }) {
  for (const element of dialog.querySelectorAll("[data-text]")) {
    element.textContent = fill(element.dataset.text, { page });
  }
  for (const form of dialog.querySelectorAll("[data-changes-page]")) {
    form.reset();
    form.action = form.action.replace(/\/records\/[^/]+\//, `/records/${record}/`); // the next record came without a reload
    form.elements.page.value = page;
    form.hidden = "many" in form.dataset && pages < 2; // the last page is not taken out: the record is sent to re-scan
  }
  dialog.dataset.page = page;
  dialog.showModal();
}

dialog.querySelector("[data-leaves]").addEventListener("click", () => dialog.close());

place.form.addEventListener("submit", () => {
  const form = place.form;
  form.action = form.action.replace(/[^/]+$/, place.value === "replace" ? "replace" : "insert");
  form.elements.page.value = place.value === "first" ? 0 : dialog.dataset.page;
});
