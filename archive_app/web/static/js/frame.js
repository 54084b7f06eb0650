// The frame of every page: the theme before the first paint, the search key, menus, copy buttons, forms sent once;
// what was asked by POST is asked again when one comes back to it; the list one goes into a record from.

(() => {
  "use strict";

  const root = document.documentElement;
  const KEY = "theme";

  const remembered = () => {
    try {
      return window.localStorage.getItem(KEY);
    } catch {
      return null; // storage may be closed by policy: the system's preference stands
    }
  };

  const chosen = remembered();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

  // Words travel by POST, and a page that answers one is kept by no browser. So the tab itself keeps what was asked, under
  // a key in the history: back, forward and reload ask again, and nobody is asked to "resubmit a form".
  const askedBefore = () => {
    const kept = window.history.state?.asked && window.sessionStorage.getItem(window.history.state.asked);
    return kept ? JSON.parse(kept) : null;
  };

  const again = askedBefore();

  const askAgain = () => {
    const form = document.createElement("form");
    form.method = "post";
    const token = document.querySelector('meta[name="csrf-token"]').content;
    for (const [name, value] of [...again, ["csrf_token", token]]) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    document.body.append(form);
    form.submit();
  };

  const keepAsked = (form) => {
    const key = `asked ${window.crypto.getRandomValues(new Uint32Array(3)).join("")}`;
    window.sessionStorage.setItem(key, JSON.stringify([...new FormData(form)]));
    window.history.replaceState({ ...window.history.state, asked: key }, "");
  };

  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;

  const switchTheme = () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      window.localStorage.setItem(KEY, root.dataset.theme);
    } catch {
      // not remembered, still switched
    }
  };

  const typing = (target) => target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

  const copy = async (button) => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const said = button.dataset.copied;
    const before = button.textContent;
    if (!said) return;
    button.textContent = said;
    window.setTimeout(() => (button.textContent = before), 1600);
  };

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    if (on("[data-theme-switch]")) switchTheme();
    const copier = on("[data-copy]");
    if (copier) copy(copier).catch(() => window.prompt("", copier.dataset.copy));
    if (on("[data-print]")) window.print();
    const opener = on("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog).showModal();
    if (on("[data-dialog-close]")) event.target.closest("dialog").close();
    for (const menu of document.querySelectorAll("[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("[data-menu][open]")) {
        menu.open = false;
        menu.querySelector("summary")?.focus();
      }
    }
    if (event.key === "/" && !typing(event.target)) {
      const box = document.querySelector("[data-search-box]");
      if (!box) return;
      event.preventDefault();
      box.focus();
      box.select();
    }
  });

  // A form that is under way is not sent a second time; coming back to the page opens it again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    }
  });

  // Tabs: arrows move, the panel follows, the address remembers the tab.
  const select = (tab, focus) => {
    const list = tab.closest('[role="tablist"]');
    for (const each of list.querySelectorAll('[role="tab"]')) {
      const on = each === tab;
      each.setAttribute("aria-selected", String(on));
      each.tabIndex = on ? 0 : -1;
      document.getElementById(each.getAttribute("aria-controls")).hidden = !on;
    }
    if (focus) tab.focus();
    tab.dispatchEvent(new CustomEvent("tab", { bubbles: true }));
  };

  // Tables that become blocks on a phone: each cell says what its column is.
  const labelCells = (table) => {
    const heads = [...table.tHead.rows[0].cells].map((head) =>
      head.querySelector(".seen-not") ? "" : head.textContent.trim(),
    );
    for (const row of table.tBodies[0].rows) {
      [...row.cells].forEach((cell, place) => (cell.dataset.label = heads[place] ?? ""));
    }
  };

  // The ids of the list one goes into a record from, for "previous" and "next" there.
  window.addEventListener("pagehide", () => {
    const ids = [...document.querySelectorAll("[data-list] [data-record]")].map((line) => line.dataset.record);
    if (ids.length) window.sessionStorage.setItem("list", JSON.stringify([...new Set(ids)]));
  });

  // Before the scripts of the page are fetched: who goes on at once can come back as well.
  document.addEventListener("readystatechange", () => {
    const asked = document.readyState === "interactive" && document.querySelector("[data-asked]");
    if (asked) keepAsked(asked);
  });

  document.addEventListener("DOMContentLoaded", () => {
    if (document.body.classList.contains("bare")) window.sessionStorage.clear(); // who left leaves nothing behind
    if (again && !document.querySelector("[data-asked]")) askAgain();
    for (const table of document.querySelectorAll("table.blocks")) labelCells(table);
    // On a narrow screen the sections lie side by side: the one that one is in is brought into sight.
    document.querySelector(".rail [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    for (const list of document.querySelectorAll('[role="tablist"]')) {
      const tabs = [...list.querySelectorAll('[role="tab"]')];
      list.addEventListener("click", (event) => {
        const tab = event.target.closest('[role="tab"]');
        if (!tab) return;
        select(tab, false);
        window.history.replaceState(window.history.state, "", `#${tab.id}`);
      });
      list.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const place = tabs.indexOf(document.activeElement);
        if (!step || place < 0) return;
        event.preventDefault();
        event.stopPropagation();
        select(tabs[(place + step + tabs.length) % tabs.length], true);
      });
      const asked = tabs.find((tab) => `#${tab.id}` === window.location.hash);
      if (asked) select(asked, false);
    }
    document.querySelector("[data-first-fault]")?.focus();
  });
})();
