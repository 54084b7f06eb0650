// The review queue: a filter is applied when it is chosen, Enter begins; what the last review came to is said here.

import "./talk.js";

document.getElementById("filter").addEventListener("change", (event) => {
  for (const one of event.currentTarget.elements) if (one.name && !one.value) one.disabled = true; // short addresses
  event.currentTarget.submit();
});
document.addEventListener("keydown", (event) => {
  const free = document.activeElement === document.body || document.activeElement.id === "main";
  if (event.key === "Enter" && free) document.getElementById("begin")?.click();
});
