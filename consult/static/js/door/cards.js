// Typing in cards without leaving the keyboard: Ctrl and Enter together save.
document.querySelector("[data-quick] form").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.querySelector("[type=submit]").click();
});
