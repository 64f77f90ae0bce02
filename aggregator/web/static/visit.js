// Marks what came in since the last visit, and leads to it. What was seen is kept in this browser alone; where it keeps
// nothing (a private window, blocked storage), the page is as it is without a script.
(() => {
  "use strict";
  const PAUSE = 30 * 60 * 1000; // milliseconds without a page: the next one begins another visit
  const main = document.querySelector("main[data-selection]");
  const note = document.querySelector("[data-visit]"); // on the first page of a selection alone
  if (!main) return;
  const cards = [...main.querySelectorAll("[data-entered]")];
  const entered = cards.map((card) => card.dataset.entered);
  const key = "kabarkota.visit?" + main.dataset.selection;

  // {at: when a page was last open here, newest: what it showed, since: what the visit before had shown}
  const read = () => {
    try {
      const kept = JSON.parse(window.localStorage.getItem(key));
      return kept && typeof kept === "object" ? kept : {};
    } catch {
      return {};
    }
  };
  const write = (visit) => {
    try {
      window.localStorage.setItem(key, JSON.stringify(visit));
    } catch {
      // full, or not allowed
    }
  };

  const asText = (value) => (typeof value === "string" ? value : "");

  const now = Date.now();
  const last = read();
  const isAnother = !(now - last.at < PAUSE && last.at <= now);
  const since = asText(isAnother ? last.newest : last.since);
  const newest = entered.reduce((one, other) => (other > one ? other : one), asText(last.newest));
  if (note) write({ at: now, newest, since });
  if (!since) return;

  const fresh = cards.filter((card) => card.dataset.entered > since);
  for (const card of fresh) card.querySelector(".fresh").hidden = false;
  if (!note || !fresh.length) return;
  const link = note.querySelector("a");
  const isAll = fresh.length === cards.length && "more" in note.dataset;
  const url = new URL(link.href);
  url.searchParams.set("new", since);
  link.href = url.href;
  link.textContent = link.dataset.words.replace("{count}", fresh.length + (isAll ? "+" : ""));
  note.hidden = false;
})();
