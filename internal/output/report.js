// Only adds: the page is whole without it.
(() => {
  for (const tools of document.querySelectorAll(".tools")) tools.hidden = false;
  const rules = document.querySelectorAll("details.rule");
  const all = (open) => () => { for (const rule of rules) rule.open = open; };
  document.getElementById("open")?.addEventListener("click", all(true));
  document.getElementById("close")?.addEventListener("click", all(false));

  const filter = document.getElementById("filter"), shown = document.getElementById("shown");
  filter?.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of document.querySelectorAll("[data-search]")) {
      row.hidden = !words.every((word) => row.dataset.search.includes(word));
      if (!row.hidden && row.tagName === "TR") left++;
    }
    shown.textContent = words.length ? left + " shown" : "";
  });

  const follow = () => {
    const rule = location.hash && document.getElementById(location.hash.slice(1));
    if (rule && rule.tagName === "DETAILS") rule.open = true;
  };
  addEventListener("hashchange", follow);
  follow();
})();
