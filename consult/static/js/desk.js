// The moderators' desk: the switch for the keys, ticking all of a page, how many are ticked.

const NAME = "consult-keys";

function keys(choice) {
  const box = choice.querySelector("input");
  const apply = () => { document.documentElement.dataset.keys = box.checked ? "on" : "off"; };
  try { box.checked = localStorage.getItem(NAME) !== "off"; } catch { }
  choice.hidden = false;
  apply();
  box.addEventListener("change", () => {
    apply();
    try { localStorage.setItem(NAME, document.documentElement.dataset.keys); } catch { }
  });
}

function ticking(all) {
  const boxes = [...document.querySelectorAll("input[form=bulk]")];
  const show = () => {
    const number = boxes.filter((box) => box.checked).length;
    document.querySelector("[data-bulk-count]").textContent = number || "";
    all.textContent = all.dataset[number === boxes.length ? "none" : "all"];
  };
  for (const box of boxes) box.addEventListener("change", show);
  all.addEventListener("click", (event) => {
    event.preventDefault();
    const tick = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = tick;
    show();
  });
  show();
}

export function start(root) {
  for (const choice of root.querySelectorAll("[data-keys-choice]")) keys(choice);
  for (const all of root.querySelectorAll("[data-tick-all]")) ticking(all);
}
