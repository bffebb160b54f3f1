// The check-in page: finds while typing, goes on without a network. What happens is kept on the device under a key of its own
// until the server says that it arrived; the server counts each key once.
import { ALL, drop, forget, meetings, read, unsent, write } from "./kept.js";

const $ = (selector, within = root) => within.querySelector(selector);
const root = document.querySelector("[data-door]");
const at = root.dataset;
const list = $("[data-people] ul");
const field = $("#q");
const walkIn = $("[data-walk-in]");
const folded = walkIn.closest("details");
const newcomer = walkIn.elements.name;
const mine = `${ALL}${at.door}.`;
const words = $("[data-words]").content;
const word = (name, values = {}) => $(`[data-${name}]`, words).textContent.replace(/\{(\w+)\}/g, (_, key) => values[key]);
const queue = () => unsent(`${at.door}.`).map(read).filter(Boolean).sort((a, b) => (a.at < b.at ? -1 : 1));
const parts = ["[data-people] ul", ".door-counts", "[data-kinds]"];
const rowOf = (guest, key = guest) => $(`[data-guest="${guest}"],[data-key="${key}"]`, list);
let token, served, opening;
// What the search put there; what somebody typed stays.
let given = newcomer.defaultValue;

/** The page as the server told it last. */
function take(page) {
  token = $("[name=csrf_token]", page).value;
  // How long it still is, because clocks of devices are wrong; somebody may have opened it meanwhile.
  Object.assign(at, $("[data-door]", page)?.dataset);
  opening = performance.now() + Number(at.opensIn);
  served = parts.map((part) => $(part, page).innerHTML);
}

const shut = () => !(performance.now() >= opening || Date.now() >= at.opens);

async function renew() {
  const answer = await ask(at.page);
  if (!answer.ok) throw "offline";
  if (window.caches && Date.now() < at.until) await (await caches.open(`consult-door-${at.door}`)).put(at.page, answer.clone());
  take(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

/** That, and on top what the server does not know yet. */
function paint() {
  const { value, dataset } = document.activeElement;
  parts.forEach((part, place) => { $(part).innerHTML = served[place]; });
  const waiting = queue();
  const add = { there: 0, walk_ins: 0 };
  for (const entry of waiting) {
    const here = entry.act !== "undo";
    let row = rowOf(entry.id, entry.of ?? entry.key);
    if (!row && entry.act === "walk_in") {
      row = list.appendChild($("li", $("[data-row]").content).cloneNode(true));
      row.dataset.guest = entry.key;
      $("bdi", row).textContent = entry.name;
      for (const button of row.querySelectorAll("button")) button.value = entry.key;
      add.walk_ins += 1;
    }
    if (!row) continue;
    if (here === $(".door-there", row).hidden) add.there += here ? 1 : -1;
    $(".door-there", row).hidden = !here;
    $("[data-act=came]", row).hidden = here;
    $("[data-time]", row).textContent = word("kept");
  }
  for (const [name, more] of Object.entries(add)) $(`[data-count=${name}]`).textContent -= -more;
  root.classList.toggle("door-shut", shut());
  $("[data-net]").hidden = !trouble;
  for (const kind of ["offline", "sign-in"]) $(`[data-${kind}]`).hidden = trouble !== kind;
  $("[data-refusal]").textContent = refusal;
  $("[data-waiting]").hidden = !waiting.length;
  $("[data-waiting] b").textContent = waiting.length;
  if (dataset.act) focusOn(rowOf(value));
  find();
}

function focusOn(row) {
  row?.querySelector("[data-act=came]:not([hidden]), .door-there:not([hidden]) [data-act]")?.focus();
}

function find() {
  const typed = field.value.trim(), wanted = typed.toLocaleLowerCase();
  const hit = byCode(typed);
  let none = /\d/.test(typed) ? "" : typed;
  for (const row of list.children) {
    row.hidden = hit ? row !== hit : !$("p", row).textContent.toLocaleLowerCase().includes(wanted);
    if (!row.hidden) none = "";
  }
  // Two presses for somebody new: what was typed stands in the form already.
  if (none !== given && newcomer.value === given && !walkIn.contains(document.activeElement)) {
    newcomer.value = given = none;
    folded.open = none;
  }
}

// Signs that look alike on paper, as in meetings/door.py.
const ALIKE = ["0OQD", "1ILJ7", "2Z", "5S", "6G", "8B", "UV", "MN"];
const fold = (code) => [...code].map((sign) => ALIKE.find((row) => row.includes(sign))?.[0] ?? sign).join("");

function byCode(typed) {
  const code = typed.toUpperCase().replace(/[^A-Z0-9]/g, "");
  if (code.length !== 8) return null;
  const all = [...list.children];
  const alike = all.filter((row) => fold(row.dataset.code) === fold(code));
  return all.find((row) => row.dataset.code === code) ?? (alike.length === 1 ? alike[0] : null);
}

function scanned(text) {
  const place = /\/meetings\/(\d+)\//.exec(text);
  const row = byCode(place ? new URL(text).searchParams.get("q") ?? "" : text);
  navigator.vibrate?.(80);
  if (place && place[1] !== at.door) say(word("other"), "warning");
  else if (row) came(row);
  else say(word("unknown"), "warning");
}

function say(text, tone = "success") {
  const said = $("[data-said]");
  said.className = `callout tone-${tone}`;
  $("p", said).textContent = text;
  said.hidden = false;
}

function came(row) {
  if (shut()) return say(word("shut"), "warning");
  const name = $("bdi", row).textContent;
  if ($("[data-act=came]", row).hidden) return say(word("already", { name }), "warning");
  const state = $("[data-label]", row).textContent;
  say(word(state ? "warned" : "here", { name, state }), state ? "warning" : "success");
  keep({ act: "came", id: Number(row.dataset.guest) });
}

function keep(entry) {
  const key = crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b + 256).join("").slice(0, 36);
  write(`${mine}q.${key}`, { key, at: new Date().toISOString(), ...entry });
  if (field.value) { field.value = ""; field.focus(); }
  paint();
  // A round that was nearly over has not seen it.
  send().then(() => { if (queue().length && !trouble) send(); });
}

$("[data-people]").addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  if (button.dataset.act === "came") return came(button.closest("li"));
  // What waits may have arrived all the same: it is taken back by its key.
  const of = queue().find((entry) => entry.act !== "undo" && [entry.key, String(entry.id)].includes(button.value))?.key;
  drop(`${mine}q.${of}`);
  keep({ act: "undo", id: Number(button.value), of });
});
walkIn.addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, organisation } = Object.fromEntries(new FormData(walkIn));
  if (!name.trim()) return;
  say(word("here", { name }));
  walkIn.reset();
  newcomer.value = given = "";
  folded.open = false;
  // Not lost in what is folded up.
  $("summary", folded).focus();
  keep({ act: "walk_in", name, organisation });
});
$(".door-find").addEventListener("submit", (event) => {
  event.preventDefault();
  const hit = byCode(field.value);
  const left = [...list.children].filter((row) => !row.hidden);
  if (hit) came(hit);
  else if (left.length === 1) focusOn(left[0]);
  else if (given) newcomer.focus();
});
field.addEventListener("input", find);

let busy = null;
let trouble = "";
let refusal = "";

async function ask(url, body) {
  const answer = await fetch(url, { method: body && "POST", body, redirect: "manual" });
  if (answer.type === "opaqueredirect") throw "sign-in";
  return answer;
}

const send = () => { busy ??= round(); return busy; };

async function round() {
  const done = [];
  let told;
  try {
    for (let tries = 20, batch; tries-- && (batch = queue().filter((entry) => !done.includes(entry.key)).slice(0, 50)).length;) {
      const body = new FormData();
      body.set("csrf_token", token);
      body.set("sent_at", new Date().toISOString());
      body.set("entries", JSON.stringify(batch));
      const answer = await ask(at.sync, body);
      // Signed in anew: another token.
      if (answer.status === 400) { await renew(); continue; }
      const { results, error } = await answer.json();
      if (error) throw error;
      done.push(...batch.map((entry) => entry.key));
      told = results.pop();
    }
    await renew();
    // Only now: what is kept of the page knows of them.
    for (const key of done) drop(`${mine}q.${key}`);
    trouble = refusal = "";
    if (Date.now() > at.until) await forget(at.door);
  } catch (problem) {
    trouble = problem.message ? "offline" : problem;
    refusal = ["offline", "sign-in"].includes(trouble) ? "" : problem;
  }
  // What is replaced loses the press.
  for (let n = 20; n-- && $(":active", list);) await new Promise((go) => setTimeout(go, 50));
  busy = null;
  paint();
  // The server knows more: other lists, too many people.
  if (told?.says) say(told.says, told.warns ? "warning" : "success");
}

async function keepFiles() {
  await navigator.serviceWorker.register(at.worker, { scope: at.page });
  const store = await caches.open(`consult-door-${at.door}`);
  await Promise.all(performance.getEntriesByType("resource").map(({ name }) => name.includes("/static/") && store.add(name).catch(() => {})));
  await navigator.serviceWorker.ready;
  at.kept = "";
}

$("[data-forget]").addEventListener("click", async () => {
  await send();
  if (queue().length) await send();
  if (queue().length) return say(word("unsent"), "warning");
  await forget(at.door);
  location.assign(at.after);
});
$("[data-leave]").hidden = false;

for (const meeting of meetings()) if (Date.now() > read(`${ALL}${meeting}.until`) && !unsent(`${meeting}.`).length) forget(meeting);
if (Date.now() < at.until) {
  write(`${mine}until`, Number(at.until));
  if (navigator.serviceWorker) addEventListener("load", () => keepFiles().catch(() => {}));
}
import("./scan.js").then((scan) => scan.offer($("[data-scan]"), $("[data-camera]"), scanned, () => say(word("camera-off"), "warning")));
addEventListener("online", async () => { await busy; send(); });
addEventListener("storage", paint);
setInterval(() => { if (!document.hidden || queue().length) send(); }, 2e4);
if (at.opensIn < 2 ** 31) setTimeout(paint, at.opensIn - -50);
take(root);
paint();
send();
