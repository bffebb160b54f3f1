// Keeps unsent text of forms marked data-autosave in this browser and gives it back.
// A text is forgotten when the page after sending carries a success message, when its writer deletes it,
// when a form marked data-clear-drafts is sent (signing out), or after two weeks.

const PREFIX = "consult.draft.";
const SENT = "consult.sent";
const KEEP = 14 * 24 * 60 * 60 * 1000;
const FIELDS = "textarea, input[type=text], input[type=radio], select";

/** Storage may be switched off or full; then the form is an ordinary form. */
function quietly(action) {
  try { return action(); } catch { return null; }
}

function drafts() {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
}

function forgetOld() {
  for (const key of drafts()) {
    const draft = quietly(() => JSON.parse(localStorage.getItem(key)));
    if (!draft || Date.now() - draft.at > KEEP) localStorage.removeItem(key);
  }
}

/** Only a success message of the server proves that the text has arrived. */
function forgetSent() {
  const key = sessionStorage.getItem(SENT);
  if (key && document.querySelector("[data-flash='success']")) localStorage.removeItem(key);
  if (key && !document.querySelector("[data-keep-drafts]")) sessionStorage.removeItem(SENT);
}

function read(form) {
  const values = {};
  for (const input of form.querySelectorAll(FIELDS)) {
    if (input.type === "radio") { if (input.checked) values[input.name] = input.value; }
    else if (input.name && input.value) values[input.name] = input.value;
  }
  return values;
}

function untouched(form) {
  return ![...form.querySelectorAll("textarea")].some((area) => area.value.trim()) && !form.querySelector(".error-summary");
}

function write(form, values) {
  for (const input of form.querySelectorAll(FIELDS)) {
    if (!(input.name in values)) continue;
    if (input.type === "radio") input.checked = input.value === values[input.name];
    else input.value = values[input.name];
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function watch(form) {
  const key = PREFIX + form.dataset.autosave;
  const notice = form.querySelector("[data-autosave-notice]");
  const stored = quietly(() => JSON.parse(localStorage.getItem(key)));
  if (stored && untouched(form)) {
    write(form, stored.values);
    if (notice) notice.hidden = false;
  }
  let timer;
  const save = () => quietly(() => {
    const values = read(form);
    const written = [...form.querySelectorAll("textarea")].some((area) => area.value.trim());
    if (written) localStorage.setItem(key, JSON.stringify({ at: Date.now(), values }));
    else localStorage.removeItem(key);
  });
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(save, 400); });
  form.addEventListener("submit", () => { clearTimeout(timer); save(); quietly(() => sessionStorage.setItem(SENT, key)); });
  form.querySelector("[data-autosave-discard]")?.addEventListener("click", () => {
    quietly(() => localStorage.removeItem(key));
    form.reset();
    notice.hidden = true;
    form.querySelector("textarea")?.focus();
  });
}

let swept = false;

export function start(root) {
  if (!swept) { swept = true; quietly(forgetSent); quietly(forgetOld); }
  for (const form of root.querySelectorAll("form[data-autosave]:not([data-watched])")) {
    form.dataset.watched = "";
    watch(form);
  }
  for (const form of root.querySelectorAll("form[data-clear-drafts]")) {
    form.addEventListener("submit", () => quietly(() => drafts().forEach((key) => localStorage.removeItem(key))));
  }
}
