// The address tells what is shown, and what is shown follows the address; filters, shortcuts and links into the table.

function writeHash() {
  const wanted = new URLSearchParams();
  if (opened >= 0) wanted.set("f", fingerprintOf(opened));
  for (const key of [...FILTERS, "sort"]) if (state[key]) wanted.set(key, state[key]);
  if (state.down) wanted.set("down", "1");
  const hash = wanted.toString();
  try {
    history.replaceState(null, "", hash ? `#${hash}` : location.href.split("#")[0]);
  } catch { /* some viewers forbid it; the page works all the same */ }
}

function readHash() {
  const hash = location.hash.slice(1);
  if (!hash.includes("=")) return false;
  const given = new URLSearchParams(hash.replaceAll("+", "%20"));
  for (const key of [...FILTERS, "sort"]) state[key] = given.get(key) ?? "";
  state.down = given.get("down") === "1";
  here = 0;
  refresh();
  const row = given.has("f") ? rowOf(given.get("f")) : -1;
  if (row >= 0) {
    moveTo(Math.max(0, shown.indexOf(row)), false);
    open(row);
  } else {
    if (given.has("f")) $("table-count").textContent = words.missing;
    $("findings").scrollIntoView();
  }
  return true;
}

/** Show the findings that match, and nothing else that was chosen before. */
function show(query) {
  for (const key of FILTERS) state[key] = "";
  Object.assign(state, query);
  here = 0;
  refresh();
  writeHash();
  $("findings").scrollIntoView();
  $("filter-q").focus({ preventScroll: true });
}

function option(value, label) {
  const node = make("option", "", label);
  node.value = value;
  return node;
}
/** Offer what occurs; a filter with nothing to choose is not shown. */
function offer(key, values, label) {
  const select = $(`filter-${key}`);
  for (const value of values) select.append(option(value, label(value)));
  if (values.length < 2) select.closest(".tool").hidden = true;
}

function buildFilters() {
  const present = (column, label) => new Set([...new Set(columns[column])].map(label));
  const verdicts = present("verdict", (at) => data.verdicts[at]);
  const severities = present("severity", (at) => data.severities[at]);
  const changes = present("change", textAt);
  const standings = new Set();
  for (let row = 0; row < size; row++) standings.add(standingOf(row));
  offer("verdict", VERDICTS.filter((item) => verdicts.has(item)), (item) => name("verdict", item));
  offer("severity", data.severities.filter((item) => severities.has(item)), (item) => name("severity", item));
  offer("standing", STANDINGS.filter((item) => standings.has(item)), (item) => words[`standing.${item}`]);
  offer("change", CHANGES.filter((item) => changes.has(item)), (item) => name("change", item));
  const subscriptions = Array.from(new Set(tables.resources[3]), textAt).filter(Boolean);
  const label = (id) => (data.subscriptions[id] ? `${data.subscriptions[id]} (${id})` : id);
  offer("subscription", subscriptions.sort((a, b) => (label(a) < label(b) ? -1 : 1)), label);
  offerControls();
  let typing = 0;
  for (const key of FILTERS) {
    const node = $(`filter-${key}`);
    node.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => { state[key] = node.value; here = 0; refresh(); writeHash(); }, key === "q" ? 80 : 0);
    });
  }
  $("filter-reset").addEventListener("click", () => show({ sort: "", down: false }));
  document.addEventListener("keydown", (event) => {
    const typed = event.target instanceof Element && event.target.closest("input, select, textarea, dialog");
    if (event.key !== "/" || typed || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    $("filter-q").focus();
  });
}

/** The controls that the rules of these findings speak to, by framework. */
function offerControls() {
  const groups = new Map();
  for (const at of new Set(columns.rule)) {
    for (const [framework, control] of rules[at].controls ?? []) {
      if (!groups.has(framework)) groups.set(framework, new Set());
      groups.get(framework).add(control);
    }
  }
  const select = $("filter-control");
  const natural = new Intl.Collator("en", { numeric: true }).compare;
  for (const [framework, controls] of groups) {
    const group = make("optgroup", "");
    group.label = frameworkName(framework);
    for (const control of [...controls].sort(natural)) group.append(option(`${framework}/${control}`, `${frameworkName(framework)} ${control}`));
    select.append(group);
  }
  if (!groups.size) select.closest(".tool").hidden = true;
}

/** Buttons and links of other parts that lead to the findings they are about. */
function buildWays() {
  for (const box of document.querySelectorAll("[data-rule]")) {
    box.append(button("small-button", words["show-findings"], () => show({ q: box.dataset.rule.toLowerCase() })));
  }
  for (const line of document.querySelectorAll("tr[data-id]")) {
    const label = line.querySelector(".name");
    const link = make("a", "", label.textContent);
    link.href = `#q=${encodeURIComponent(line.dataset.id.toLowerCase())}`;
    link.title = words["show-registry"];
    label.replaceChildren(link);
  }
  const linked = (node, hash, title) => {
    const label = node.querySelector(".control-id");
    const link = make("a", "", label.textContent);
    link.href = hash;
    link.title = title;
    label.replaceChildren(link);
  };
  for (const node of document.querySelectorAll("[data-control]")) {
    linked(node, `#control=${encodeURIComponent(`${node.dataset.framework}/${node.dataset.control}`)}`, words["show-control"]);
  }
  for (const node of document.querySelectorAll("[data-waiver], [data-attestation]")) {
    const id = node.dataset.waiver ?? node.dataset.attestation;
    linked(node, `#q=${encodeURIComponent(id.toLowerCase())}`, words["show-entry"]);
  }
}

