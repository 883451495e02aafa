// The table of findings: only the rows in sight are in the document, so that 100,000 are as quick as ten.

let grid, gridBody, gridSpace;
const heads = {};
const nodes = new Map();
let rowHeight = 38;

function buildGrid() {
  grid = $("table");
  const compared = columns.change.some((at) => at > 0);
  if (compared) grid.classList.add("compared");
  const head = make("div", "grid-head");
  head.setAttribute("role", "row");
  for (const key of ["verdict", "severity", ...(compared ? ["change"] : []), "rule", "resource", "message"]) {
    heads[key] = make("div", key, button("", field(key), () => sortBy(key)));
    heads[key].setAttribute("role", "columnheader");
    head.append(heads[key]);
  }
  const headGroup = make("div", "", head);
  headGroup.setAttribute("role", "rowgroup");
  gridSpace = make("div", "grid-space");
  gridSpace.setAttribute("role", "presentation");
  gridBody = make("div", "grid-body", gridSpace);
  gridBody.setAttribute("role", "rowgroup");
  grid.append(headGroup, gridBody);
  gridBody.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  gridBody.addEventListener("keydown", onGridKey);
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(refresh, 120); });
}

/** Up, then down, then the report's own order again. */
function sortBy(key) {
  if (state.sort === key && state.down) Object.assign(state, { sort: "", down: false });
  else Object.assign(state, { down: state.sort === key, sort: key });
  here = 0;
  refresh();
  writeHash();
}

function cell(className, ...content) {
  const node = make("span", className, ...content);
  node.setAttribute("role", "cell");
  return node;
}

function rowNode(at) {
  const row = shown[at];
  const [, , resourceName] = placeOf(row);
  const message = told("message", row) || ruleOf(row).title || ruleOf(row).id;
  const link = make("a", "", message);
  link.href = `#f=${encodeURIComponent(fingerprintOf(row))}`;
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    here = at;
    open(row);
  });
  const standing = standingOf(row);
  const change = told("change", row);
  const node = make("div", "grid-row",
    cell("verdict", mark("verdict", "v", verdictOf(row))),
    cell("severity", mark("severity", "s", severityOf(row))),
    heads.change ? cell("change", change ? mark("change", "c", change) : "") : null,
    cell("rule", ruleOf(row).id),
    cell("where", make("bdi", "", resourceName)),
    cell("message", standing === "open" ? null : mark("standing", "t", standing), link));
  node.setAttribute("role", "row");
  node.setAttribute("aria-rowindex", String(at + 2));
  node.title = `${resourceName}: ${message}`;
  node.style.setProperty("inset-block-start", `${at * rowHeight}px`);
  node.addEventListener("click", () => { here = at; open(row); });
  node.addEventListener("focusin", () => { here = at; });
  return node;
}

function draw() {
  const first = Math.max(0, Math.floor(gridBody.scrollTop / rowHeight) - 8);
  const last = Math.min(shown.length, Math.ceil((gridBody.scrollTop + (gridBody.clientHeight || 600)) / rowHeight) + 8);
  for (const [at, node] of nodes) {
    if ((at < first || at >= last) && !node.contains(document.activeElement)) {
      node.remove();
      nodes.delete(at);
    }
  }
  for (let at = first; at < last; at++) {
    let node = nodes.get(at);
    if (!node) {
      node = rowNode(at);
      nodes.set(at, node);
      gridSpace.insertBefore(node, nodes.get(at + 1) ?? null);
    }
    node.classList.toggle("here", at === here);
    node.querySelector("a").tabIndex = at === here ? 0 : -1;
  }
}

function refresh() {
  choose();
  for (const [key, node] of Object.entries(heads)) {
    node.setAttribute("aria-sort", state.sort === key ? (state.down ? "descending" : "ascending") : "none");
  }
  rowHeight = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) || 38;
  nodes.clear();
  gridSpace.replaceChildren();
  gridSpace.style.setProperty("block-size", shown.length ? `${shown.length * rowHeight}px` : "auto");
  if (!shown.length) gridSpace.append(make("p", "grid-none", words.none));
  grid.setAttribute("aria-rowcount", String(shown.length + 1));
  $("table-count").textContent = fill(words.shown, { n: format(shown.length), total: format(data.total) });
  gridBody.scrollTop = Math.max(0, Math.min(gridBody.scrollTop, here * rowHeight));
  draw();
  for (const key of FILTERS) if ($(`filter-${key}`).value !== state[key]) $(`filter-${key}`).value = state[key];
}

function moveTo(at, focus) {
  here = Math.max(0, Math.min(shown.length - 1, at));
  const top = here * rowHeight;
  if (top < gridBody.scrollTop) gridBody.scrollTop = top;
  else if (top + rowHeight > gridBody.scrollTop + gridBody.clientHeight) gridBody.scrollTop = top + rowHeight - gridBody.clientHeight;
  draw();
  if (focus) nodes.get(here)?.querySelector("a").focus({ preventScroll: true });
}

function onGridKey(event) {
  const page = Math.max(1, Math.floor(gridBody.clientHeight / rowHeight) - 1);
  const steps = { ArrowDown: here + 1, ArrowUp: here - 1, PageDown: here + page, PageUp: here - page, Home: 0, End: shown.length - 1 };
  if (!(event.key in steps) || !shown.length || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  moveTo(steps[event.key], true);
}

