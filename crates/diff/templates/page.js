"use strict";
// Filters the findings and the sections of the methods. The page can be read whole without it.
(() => {
  const form = document.getElementById("filters");
  const words = document.getElementById("words");
  const shown = document.getElementById("shown");
  const cards = [...document.querySelectorAll("article.finding")];
  const groups = [...document.querySelectorAll("section.group")];
  const methods = [...document.querySelectorAll("section.method")].map((section) => ({
    section,
    rows: [...section.querySelectorAll("li")],
    link: document.getElementById("to-" + section.id),
  }));
  const texts = cards.map((card) => card.textContent.toLowerCase());
  const order = ["safe", "dangerous", "breaking"];
  const checked = (name) =>
    new Set([...form.querySelectorAll(`input[name="${name}"]:checked`)].map((box) => box.value));

  const worse = (...levels) => order[Math.max(...levels.map((level) => order.indexOf(level)))];
  const level = (card, of) => {
    const { oldClient, newClient, source } = card.dataset;
    switch (of) {
      case "old-client": return oldClient;
      case "new-client": return newClient;
      case "either": return worse(oldClient, newClient);
      case "source": return source;
      default: return worse(oldClient, newClient, source);
    }
  };
  // What goes both ways is of interest to whoever looks at one of them.
  const flows = (card, wanted) =>
    wanted === "" || card.dataset.direction === wanted || card.dataset.direction === "client writes and reads";

  const update = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const levels = checked("level");
    const of = form.elements.of.value;
    const direction = form.elements.direction.value;
    const stability = form.elements.stability.value;
    let count = 0;
    cards.forEach((card, index) => {
      const visible =
        levels.has(level(card, of)) &&
        flows(card, direction) &&
        (stability === "" || card.dataset.stability === stability) &&
        wanted.every((word) => texts[index].includes(word));
      card.hidden = !visible;
      if (visible) count += 1;
    });
    for (const group of groups) {
      const visible = group.querySelectorAll("article.finding:not([hidden])").length;
      group.hidden = visible === 0;
      group.querySelector(".count").textContent = visible;
    }
    for (const { section, rows, link } of methods) {
      let visible = 0;
      for (const row of rows) {
        row.hidden = cards[row.dataset.finding].hidden;
        if (!row.hidden) visible += 1;
      }
      section.hidden = visible === 0;
      link.parentElement.hidden = visible === 0;
      link.querySelector(".count").textContent = visible;
    }
    shown.textContent = `${count} of ${cards.length} findings`;
    document.getElementById("nothing").hidden = count > 0 || cards.length === 0;
  };

  // A link may lead to what the filters hide: show everything then.
  const follow = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.closest("[hidden]")) {
      form.reset();
      update();
      target.scrollIntoView();
    }
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", update);
  form.addEventListener("change", update);
  form.addEventListener("reset", () => setTimeout(update));
  window.addEventListener("hashchange", follow);
  update();
  follow();
})();
