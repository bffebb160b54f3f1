// What a device keeps of a meeting. Each thing has a key of its own: two windows never overwrite each other.

export const ALL = "consult.door.";
/** Storage may be switched off: everything lives as long as the page. */
let box = {};
try { localStorage.setItem(ALL, "0"); localStorage.removeItem(ALL); box = localStorage; } catch { }

const keys = () => Object.keys(box).filter((key) => key.startsWith(ALL));
export const read = (key) => { try { return JSON.parse(box[key]); } catch { return null; } };
export const write = (key, value) => { box[key] = JSON.stringify(value); };
export const drop = (key) => { delete box[key]; };
export const unsent = (meeting = "") => keys().filter((key) => key.startsWith(ALL + meeting) && key.includes(".q."));
/** The meetings of which something is kept here. */
export const meetings = () => new Set(keys().map((key) => key.split(".")[2]));

/** Forgets page and worker of a meeting; what is not sent yet stays. */
export async function forget(meeting) {
  drop(`${ALL}${meeting}.until`);
  if (!window.caches || !navigator.serviceWorker) return;
  await caches.delete(`consult-door-${meeting}`);
  for (const worker of await navigator.serviceWorker.getRegistrations()) {
    if (worker.scope.endsWith(`/meetings/${meeting}/door`)) await worker.unregister();
  }
}
