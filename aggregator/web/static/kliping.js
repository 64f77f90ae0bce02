// Buttons that need a script: to print, and to copy a message. Without it the text is marked and copied by hand.
"use strict";

for (const button of document.querySelectorAll("[data-print]")) {
  button.parentElement.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const name = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    const text = source.value ?? source.textContent;
    try {
      await navigator.clipboard.writeText(text); // over HTTPS and on this machine only
    } catch {
      if (source.select) source.select();
      else window.getSelection().selectAllChildren(source);
      if (!document.execCommand("copy")) return; // it is marked now, for Ctrl+C
    }
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = name; }, 2000);
  });
}
