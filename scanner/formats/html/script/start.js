// The order in which the page comes to life. Without any of this it is complete as plain HTML.

function buildFrameworks() {
  const list = $("framework-switch");
  if (!list) return;
  const all = make("a", "", words["all-frameworks"]);
  all.href = "#controls";
  list.prepend(make("li", "", all));
  const links = [...list.querySelectorAll("a")];
  const pick = (link) => {
    const wanted = link.getAttribute("href").slice(1);
    for (const item of links) {
      if (item === link) item.setAttribute("aria-current", "true");
      else item.removeAttribute("aria-current");
    }
    for (const box of document.querySelectorAll(".framework")) box.hidden = wanted !== "controls" && box.id !== wanted;
  };
  for (const link of links) link.addEventListener("click", (event) => { event.preventDefault(); pick(link); });
  pick(links[1] ?? all);
}

/** A link to something inside a folded or hidden part opens that part. */
function reveal() {
  let wanted = location.hash.slice(1);
  try { wanted = decodeURIComponent(wanted); } catch { /* not an address of ours */ }
  const target = $(wanted);
  if (!target || target.closest("#rows")) return;
  for (let node = target; node; node = node.parentElement) if (node instanceof HTMLDetailsElement) node.open = true;
  target.scrollIntoView();
}

/** The part that is being read is marked in the list of parts. */
function watchParts() {
  const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.getAttribute("href").slice(1), link]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const part of document.querySelectorAll(".part")) watch.observe(part);
}

async function run() {
  try {
    unpack(await load());
  } catch (error) {
    if (!(error instanceof Lacking)) throw error;
    const notice = $("lacking");
    if (notice) notice.textContent = notice.dataset[error.kind] ?? notice.textContent;
    document.documentElement.dataset.ready = "lacking";
    return;
  }
  ({ words } = data);
  $("lacking")?.remove();
  buildFrameworks();
  addCopyButtons(document);
  if ($("table")) {
    buildGrid();
    buildDrawer();
    buildFilters();
    buildWays();
    buildPaper();
    document.documentElement.classList.add("live");
    for (const id of ["table-tools", "table", "table-more"]) $(id)?.removeAttribute("hidden");
    if (!readHash()) refresh();
    addEventListener("hashchange", readHash);
  }
  for (const part of document.querySelectorAll(".title, .part:not(#findings)")) localise(part);
  reveal();
  addEventListener("hashchange", reveal);
  watchParts();
  document.documentElement.dataset.ready = "yes";
}
run().catch((error) => { console.error(error); });
