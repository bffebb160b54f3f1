// Keeps unsent text of forms marked data-autosave in this browser and gives it back.
// A text is forgotten when the page after sending carries a success message, when its writer deletes it,
// when a form marked data-clear-drafts is sent (signing out), or after two weeks.
// A form that comes filled in offers the text (data-draft-offer) instead of replacing what it shows; what the text was
// based on (data-draft) is kept and given back with it, so that a stale base is still noticed.

const PREFIX = "consult.draft.";
const SENT = "consult.sent";
const KEEP = 14 * 24 * 60 * 60 * 1000;
const FIELDS = "textarea, input[type=text], input[type=radio], select, [data-draft]";

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

function read(form, whole = false) {
  const values = {};
  for (const input of form.querySelectorAll(FIELDS)) {
    if (input.type === "radio") { if (input.checked) values[input.name] = input.value; }
    else if (input.name && (input.value || whole)) values[input.name] = input.value;
  }
  // Chosen sources come back by their numbers.
  const chosen = [...form.querySelectorAll("[name=source]:checked")].map((box) => box.value);
  if (chosen.length && !values.sources) values.sources = chosen.join(", ");
  return values;
}

function written(form) {
  return [...form.querySelectorAll("textarea")].some((area) => area.value.trim());
}

function write(form, values) {
  for (const input of form.querySelectorAll(FIELDS)) {
    if (!(input.name in values)) continue;
    if (input.type === "radio") input.checked = input.value === values[input.name];
    else input.value = values[input.name];
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** Saves on each pause in writing; from sending on the page that follows decides. */
function keep(form, key, save) {
  let timer;
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(save, 400); });
  form.addEventListener("submit", () => { clearTimeout(timer); save(); quietly(() => sessionStorage.setItem(SENT, key)); });
}

function watch(form) {
  const key = PREFIX + form.dataset.autosave;
  const notice = form.querySelector("[data-autosave-notice]");
  const stored = quietly(() => JSON.parse(localStorage.getItem(key)));
  if (stored && !written(form) && !form.querySelector(".error-summary")) {
    write(form, stored.values);
    if (notice) notice.hidden = false;
  }
  const save = () => quietly(() => {
    const values = read(form);
    if (written(form)) localStorage.setItem(key, JSON.stringify({ at: Date.now(), values }));
    else localStorage.removeItem(key);
  });
  keep(form, key, save);
  form.querySelector("[data-autosave-discard]")?.addEventListener("click", () => {
    quietly(() => localStorage.removeItem(key));
    form.reset();
    notice.hidden = true;
    form.querySelector("textarea")?.focus();
  });
}

/** Differs in what people write, whatever it was based on. */
function differs(values, shown) {
  return Object.entries(shown).some(([name, value]) => name in values && name !== "base" && values[name] !== value);
}

function watchFilled(form, box) {
  const key = PREFIX + form.dataset.autosave;
  const older = `${key}.older`;
  const unsent = form.querySelector("[data-unsent]") !== null;
  const first = read(form, true);
  const load = (name) => quietly(() => JSON.parse(localStorage.getItem(name)));
  const drop = (name) => quietly(() => localStorage.removeItem(name));
  const save = () => quietly(() => {
    const values = read(form, true);
    if (unsent || differs(values, first)) localStorage.setItem(key, JSON.stringify({ at: Date.now(), values }));
    else drop(key);
  });
  if (unsent) save();
  else {
    const last = load(key);
    if (last && differs(last.values, first)) quietly(() => localStorage.setItem(older, JSON.stringify(last)));
    drop(key);
  }
  const offer = load(older);
  if (offer && differs(offer.values, first)) {
    box.querySelector("[data-draft-time]").textContent =
      new Date(offer.at).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    box.hidden = false;
  } else drop(older);
  const close = () => { drop(older); box.hidden = true; form.querySelector("textarea").focus(); };
  box.querySelector("[data-draft-take]").addEventListener("click", () => { write(form, offer.values); save(); close(); });
  box.querySelector("[data-draft-drop]").addEventListener("click", close);
  keep(form, key, save);
}

let swept = false;

export function start(root) {
  if (!swept) { swept = true; quietly(forgetSent); quietly(forgetOld); }
  for (const form of root.querySelectorAll("form[data-autosave]:not([data-watched])")) {
    form.dataset.watched = "";
    const box = form.querySelector("[data-draft-offer]");
    if (box) watchFilled(form, box);
    else watch(form);
  }
  for (const form of root.querySelectorAll("form[data-clear-drafts]")) {
    form.addEventListener("submit", () => quietly(() => drafts().forEach((key) => localStorage.removeItem(key))));
  }
}
