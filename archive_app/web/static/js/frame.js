// The frame of every page: the theme before the first paint, the search key, menus, copy buttons, forms sent once.

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

  document.addEventListener("DOMContentLoaded", () => {
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
