// A chooser: one types a few letters of a title, its code or its pinyin, and takes one of what is left.

const MOST = 12;
let made = 0;

function rank(one, sought) {
  const words = one.keys.split(" ");
  if (words.some((word) => word === sought)) return 0;
  if (one.text.toLowerCase().startsWith(sought)) return 1;
  if (words.some((word) => word.startsWith(sought))) return 2;
  return one.keys.includes(sought) ? 3 : null;
}

export class Chooser {
  constructor(holder, options, chosen) {
    this.input = holder.querySelector(".chooser-text");
    this.options = options;
    this.chosen = chosen;
    this.was = this.input.value;
    this.list = document.createElement("ul");
    this.list.className = "chooser-list";
    this.list.id = `chooser-${(made += 1)}`;
    this.list.setAttribute("role", "listbox");
    this.list.hidden = true;
    holder.append(this.list);
    this.input.setAttribute("aria-controls", this.list.id);
    this.input.addEventListener("input", () => this.narrow());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.close());
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault(); // before the input loses the focus
      const line = event.target.closest("li");
      if (line) this.take(Number(line.dataset.place));
    });
  }

  narrow() {
    const sought = this.input.value.trim().toLowerCase();
    const ranked = this.options()
      .map((one) => [sought ? rank(one, sought) : 0, one])
      .filter(([place]) => place !== null);
    if (sought) ranked.sort(([one], [other]) => one - other);
    this.found = ranked.slice(0, MOST).map(([, one]) => one);
    this.at = 0;
    this.list.replaceChildren(
      ...this.found.map((one, place) => {
        const line = document.createElement("li");
        line.id = `${this.list.id}-${place}`;
        line.setAttribute("role", "option");
        line.dataset.place = place;
        line.append(one.text);
        if (one.small !== undefined ? one.small : one.code) {
          const small = document.createElement("small");
          small.textContent = one.small ?? (one.classes ?? []).join(" ");
          line.append(small);
        }
        return line;
      }),
    );
    this.list.hidden = !this.found.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.light();
  }

  light() {
    [...this.list.children].forEach((line, place) => line.setAttribute("aria-selected", String(place === this.at)));
    this.input.setAttribute("aria-activedescendant", this.list.children[this.at]?.id ?? "");
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const isOpen = !this.list.hidden;
    if (event.key === "ArrowDown" && !isOpen && !event.altKey) {
      const typed = this.input.value;
      this.input.value = "";
      this.narrow();
      this.input.value = typed;
    } else if (isOpen && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : -1) + this.found.length) % this.found.length;
      this.light();
    } else if (isOpen && event.key === "Enter" && !event.ctrlKey) this.take(this.at);
    else if (isOpen && event.key === "Tab") this.take(this.at);
    else if (isOpen && event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  take(place) {
    const one = this.found[place];
    if (!one) return;
    this.input.value = one.text;
    this.was = one.text;
    this.close();
    this.chosen(one);
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.value = this.was; // what was not chosen is not kept
  }
}
