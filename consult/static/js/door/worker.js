// Keeps one check-in page, and the files it needs, for halls without a network. Nothing else of the site is touched.
const NAME = `consult-door-${/\/meetings\/(\d+)\//.exec(location.pathname)[1]}`;
const PAGE = location.pathname.replace(/-worker\.js$/, "");

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const path = new URL(url).pathname;
  if (method !== "GET") return;
  if (mode === "navigate" && path === PAGE) event.respondWith(page(event.request));
  else if (path.startsWith("/static/")) event.respondWith(file(event.request));
});

const kept = (request) => caches.match(request, { cacheName: NAME, ignoreVary: true });

/** From the network; where that is missing or takes too long, as it was seen last, until the meeting is over. */
async function page(request) {
  const fresh = fetch(request);
  try {
    return await Promise.race([fresh, new Promise((_, late) => setTimeout(late, 5000))]);
  } catch {
    const found = await kept(PAGE);
    if (found && Date.now() < found.headers.get("X-Door-Until")) return found;
    await caches.delete(NAME);
    return fresh;
  }
}

const file = (request) => fetch(request).catch(async (problem) => { const found = await kept(request); if (found) return found; throw problem; });
