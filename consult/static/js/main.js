// Entry: small conveniences on every page, and the modules that the page asks for. Nothing here is needed to use a page.

const wanted = {
  "form[data-autosave], [data-clear-drafts], [data-flash='success']": () => import("./autosave.js"),
  "[data-inplace]": () => import("./inplace.js"),
  "[data-similar]": () => import("./similar.js"),
  "[data-counter]": () => import("./counter.js"),
  "[data-shortcuts]": () => import("./shortcuts.js"),
  "[data-keys-choice]": () => import("./desk.js"),
  "[data-presence], [data-part], [data-take-words]": () => import("./editor.js"),
};

/** Loads and starts the modules whose marks stand in `root`; called again for parts that were renewed in place. */
async function enhance(root) {
  const found = Object.entries(wanted).filter(([selector]) => root.matches?.(selector) || root.querySelector(selector));
  for (const module of await Promise.all(found.map(([, load]) => load()))) module.start(root, { announce, enhance, sent, parse });
  for (const button of root.querySelectorAll("button[data-print], button[data-copy]")) button.hidden = false;
}

/** What a browser sends for this form and button; older ones do not add the button by themselves. */
function sent(form, button) {
  const body = new FormData(form);
  if (button?.name) body.set(button.name, button.value);
  return { method: "POST", body };
}

const parse = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");

/** Says a sentence to screen readers without moving the focus. */
function announce(text) {
  const live = document.getElementById("live");
  if (!live) return;
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 50);
}

document.addEventListener("click", async (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const control = event.target.closest?.("button[data-print], [data-copy]");
  if (control?.matches("[data-print]")) window.print();
  if (control?.matches("[data-copy]")) await copy(control, event);
});

/** Copies a button's text or a link's address; a link that cannot be copied, or is meant for a new tab, leads there. */
async function copy(control, event) {
  if (!navigator.clipboard || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  try {
    await navigator.clipboard.writeText(control.dataset.copy || control.href);
  } catch {
    if (control.href) location.assign(control.href);
    return;
  }
  const done = control.closest("[data-done]")?.dataset.done ?? "";
  announce(done);
  control.dataset.copied = done;
  setTimeout(() => { delete control.dataset.copied; }, 3000);
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open], details.confirm[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

for (const here of document.querySelectorAll(".tabs [aria-current], .desk-nav [aria-current]")) {
  const strip = here.closest("ul");
  if (strip.scrollWidth > strip.clientWidth) strip.scrollLeft += here.getBoundingClientRect().left - strip.getBoundingClientRect().left - 24;
}

enhance(document).then(() => { document.documentElement.dataset.enhanced = ""; });
