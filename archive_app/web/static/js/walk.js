// Previous and next record of the list one came from: the tab remembers its ids, nothing stands in an address.

const nav = document.querySelector("[data-walk]");
const form = document.querySelector("[data-walk-form]");
const ids = JSON.parse(window.sessionStorage.getItem("list") ?? "[]");
const here = ids.indexOf(nav.dataset.walk);

const go = (step) => {
  const id = ids[here + step];
  if (here < 0 || !id) return;
  form.action = form.dataset.address.replace("__id__", id);
  // With the words of the search the next one is asked for by POST, so that they are marked there too.
  if (!form.elements.q.value) form.method = "get";
  if (form.method === "get") window.location.assign(form.action + window.location.hash);
  else form.submit();
};

if (here >= 0 && ids.length > 1) {
  nav.hidden = false;
  const place = nav.querySelector("[data-walk-place]");
  place.textContent = place.dataset.words.replace("{number}", here + 1).replace("{all}", ids.length);
  for (const button of nav.querySelectorAll("[data-walk-step]")) {
    const step = Number(button.dataset.walkStep);
    button.disabled = !ids[here + step];
    button.addEventListener("click", () => go(step));
  }
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    const step = { j: 1, k: -1 }[event.key.toLowerCase()];
    if (step) go(step);
  });
}
