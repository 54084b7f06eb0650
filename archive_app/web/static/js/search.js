// The hits under the hand: J and K move, Space looks, Enter opens, Esc closes; the drawer shows the page hit.

const hits = [...document.querySelectorAll("[data-hit]")];
const drawer = document.querySelector("[data-drawer]");
const words = document.querySelector("[data-words] input")?.value ?? "";
const token = document.querySelector('meta[name="csrf-token"]').content;
let current = -1;
let asked = null;

const mark = (place, { scroll = true } = {}) => {
  hits[current]?.classList.remove("is-current");
  current = Math.max(0, Math.min(hits.length - 1, place));
  const hit = hits[current];
  hit.classList.add("is-current");
  hit.querySelector(".hit-title").focus({ preventScroll: true });
  if (scroll) hit.scrollIntoView({ block: "nearest" });
};

const close = () => {
  asked?.abort();
  drawer.hidden = true;
  drawer.replaceChildren();
  document.body.classList.remove("drawer-open");
  hits[current]?.querySelector(".hit-title").focus({ preventScroll: true });
};

const peek = async (hit, page) => {
  asked?.abort();
  asked = new AbortController();
  drawer.hidden = false;
  drawer.setAttribute("aria-busy", "true");
  document.body.classList.add("drawer-open");
  const form = new FormData();
  form.set("q", words);
  form.set("page", page);
  try {
    const answer = await fetch(hit.dataset.preview, {
      method: "POST",
      body: form,
      headers: { "X-CSRFToken": token },
      signal: asked.signal,
    });
    // Signed out meanwhile: the page itself says so, not a drawer with a sign-in form in it.
    if (answer.redirected) window.location.reload();
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    const inner = answer.ok ? parsed.body.childNodes : parsed.querySelector("main").childNodes;
    drawer.replaceChildren(...inner);
    drawer.scrollTop = 0;
  } catch (fault) {
    if (fault.name !== "AbortError") throw fault;
  } finally {
    drawer.removeAttribute("aria-busy");
  }
};

document.addEventListener("click", (event) => {
  const peeker = event.target.closest("[data-peek]");
  if (peeker) {
    const hit = peeker.closest("[data-hit]");
    mark(hits.indexOf(hit), { scroll: false });
    peek(hit, peeker.dataset.peek);
  }
  if (event.target.closest("[data-drawer-close]")) close();
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
  if (event.key === "Escape" && !drawer.hidden) {
    close();
    return;
  }
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const step = { j: 1, k: -1 }[event.key.toLowerCase()];
  if (step && hits.length) {
    event.preventDefault();
    mark(current + step);
    if (!drawer.hidden) peek(hits[current], hits[current].dataset.page);
  } else if (event.key === " " && current >= 0) {
    event.preventDefault();
    if (drawer.hidden) peek(hits[current], hits[current].dataset.page);
    else close();
  } else if (event.key === "Enter" && !drawer.hidden && !event.target.closest("button, a")) {
    hits[current].querySelector("form").requestSubmit();
  }
});

// On a small screen the facets wait behind one line.
if (window.matchMedia("(max-width: 900px)").matches) {
  document.querySelector("[data-facets]")?.removeAttribute("open");
}
