// The drawer beside a list: the page hit of one record, fetched by POST so that no word stands in an address.

const token = document.querySelector('meta[name="csrf-token"]').content;

export class Drawer {
  #element = document.querySelector("[data-drawer]");
  #asked = null;
  #from = null;

  constructor(words = "") {
    this.words = words;
    document.addEventListener("click", (event) => {
      if (event.target.closest("[data-drawer-close]")) this.close();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing && this.open) this.close();
    });
  }

  get open() {
    return !this.#element.hidden;
  }

  // Shows what `address` answers; `from` gets the focus back when the drawer closes.
  async show(address, page, from) {
    this.#asked?.abort();
    this.#asked = new AbortController();
    this.#from = from;
    if (!this.open) this.#element.replaceChildren(); // what stood there before is not what is asked for now
    this.#element.hidden = false;
    this.#element.setAttribute("aria-busy", "true");
    document.body.classList.add("drawer-open");
    const form = new FormData();
    form.set("q", this.words);
    form.set("page", page);
    try {
      const answer = await fetch(address, {
        method: "POST",
        body: form,
        headers: { "X-CSRFToken": token, Accept: "text/html" },
        signal: this.#asked.signal,
      });
      // Signed out meanwhile: the page itself says so, not a drawer with a sign-in form in it.
      if (answer.redirected) window.location.reload();
      const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
      this.#element.replaceChildren(...(answer.ok ? parsed.body : parsed.querySelector("main")).childNodes);
      this.#element.removeAttribute("aria-busy");
    } catch (fault) {
      if (fault.name === "AbortError") return; // a later question took its place
      this.#element.removeAttribute("aria-busy");
      throw fault;
    }
  }

  close() {
    this.#asked?.abort();
    this.#element.hidden = true;
    this.#element.replaceChildren();
    document.body.classList.remove("drawer-open");
    this.#from?.focus({ preventScroll: true });
  }

  // Opens the record that is shown.
  enter() {
    this.#element.querySelector(".drawer-foot form")?.requestSubmit();
  }
}
