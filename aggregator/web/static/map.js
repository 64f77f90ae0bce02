// Tells the figures of the city under the pointer or the focus, and filters the table by name.
"use strict";

const told = document.getElementById("told");
for (const place of document.querySelectorAll("[data-told]")) {
  const tell = () => { told.textContent = place.dataset.told; };
  place.addEventListener("pointerenter", tell);
  place.addEventListener("focus", tell);
}

const holder = document.getElementById("table-filter");
if (holder) {
  const label = document.createElement("label");
  const field = document.createElement("input");
  field.type = "search";
  label.append(holder.dataset.label, field);
  holder.append(label);
  const rows = [...document.querySelectorAll(".ranking tbody tr")];
  const names = rows.map((row) => row.querySelector("th").textContent.toLowerCase());
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    rows.forEach((row, index) => { row.hidden = !names[index].includes(wanted); });
  });
}
