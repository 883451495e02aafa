// One finding with everything that is known of it.

const drawer = $("drawer");
let opened = -1;

function fact(list, key, ...content) {
  if (!content.some((item) => item)) return;
  list.append(make("div", "", make("dt", "", field(key)), make("dd", "", ...content)));
}
const facts = (build) => {
  const list = make("dl", "inline");
  build(list);
  return list.childElementCount ? list : null;
};
const block = (content, label) => make("div", "code", make("span", "label", label), make("pre", "", make("code", "", content)));

function evidenceTable(places) {
  const keys = ["path", "observed", "expected", "source"];
  const headRow = make("tr", "");
  for (const key of keys) {
    const th = make("th", "", field(key));
    th.scope = "col";
    headRow.append(th);
  }
  const body = make("tbody", "");
  for (const place of places) {
    const [path, kind, observed, expected, rulePlace, source, collected, note] = line("evidence", place);
    const th = make("th", "", code(path, ""));
    th.scope = "row";
    const cells = [th,
      make("td", `state-${kind.replace(/[^a-z]/g, "")}`, code(observed, ""), note ? make("div", "note", note) : ""),
      make("td", "", code(expected, ""), rulePlace ? make("div", "note", rulePlace) : ""),
      make("td", "", source ? code(source, "") : words.unstated, collected ? make("div", "note", timeNode(collected)) : "")];
    keys.forEach((key, at) => { cells[at].dataset.label = field(key); });
    body.append(make("tr", "", ...cells));
  }
  const box = make("div", "scroll", make("table", "evidence", make("thead", "", headRow), body));
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", field("evidence"));
  return box;
}

/** The waiver or attestation of a finding, in force or lapsed, as a box of its own. */
function acceptedBox(row) {
  const standing = standingOf(row);
  if (standing === "open") return null;
  const id = told("waiver", row) || told("attestation", row) || told("lapsed", row);
  const entry = data.waivers[id] ?? data.attestations[id];
  const kind = id in data.attestations ? "attestation" : "waiver";
  const box = make("section", `accepted ${standing}`, make("p", "marks", mark("standing", "t", standing), make("b", "", `${field(kind)} ${id}`)));
  if (!entry) return box;
  if (standing === "lapsed") {
    box.append(make("p", "flagged", `${words["lapsed-note"]} ${name("entry", entry.state).toLowerCase()}${entry.why ? ` (${entry.why})` : ""}.`));
  }
  box.append(make("p", "prose", entry.reason));
  const left = entry.daysLeft;
  box.append(facts((list) => {
    fact(list, "kind", entry.kind && name("kind", entry.kind));
    fact(list, "result", entry.result && name("result", entry.result));
    fact(list, "owner", entry.owner);
    fact(list, "approver", entry.approver);
    fact(list, "ticket", entry.ticket);
    fact(list, "created", timeNode(entry.created));
    fact(list, "expires", timeNode(entry.expires), " ", make("span", left < 0 ? "days over" : "days", left < 0 ? many("days.over", -left) : many("days.left", left)));
    fact(list, "evidenceLink", entry.evidence && (entry.evidenceLink ? outside(entry.evidenceLink, entry.evidence) : make("span", "address", entry.evidence)));
    fact(list, "entryPlace", code(entry.place));
    fact(list, "source", code(entry.source));
  }));
  return box;
}

function remediation(row, rule) {
  const given = texts("lists", columns.commands[row]);
  const lines = given.length ? given : rule.az ?? [];
  if (!lines.length && !rule.bicep && !rule.terraform && !rule.mend) return [];
  return [make("h3", "", field("remediation")),
    rule.effort ? make("p", "note", `${field("effort")}: ${name("effort", rule.effort)}`) : null,
    ...lines.map((line) => block(line, field("az"))),
    rule.bicep ? block(rule.bicep, field("bicep")) : null,
    rule.terraform ? block(rule.terraform, field("terraform")) : null,
    rule.mend ? make("p", "prose", rule.mend) : null];
}

function affectedList(row) {
  const named = texts("lists", columns.affected[row]);
  const count = columns.affectedCount[row];
  if (!named.length) return [];
  return [make("h3", "", many("affected", count)),
    make("ul", "plain ids", ...named.map((one) => make("li", "", code(one)))),
    count > named.length ? make("p", "more", fill(words["affected-more"], { n: format(count - named.length) })) : null];
}

const frameworkName = (id) => data.frameworks[id] || name("framework", id);

function controlsAndReferences(rule) {
  const parts = [];
  if (rule.controls?.length) {
    parts.push(make("h3", "", field("controls")), make("ul", "tags", ...rule.controls.map(([framework, control, basis]) => {
      const link = make("a", "", make("b", "", frameworkName(framework)), ` ${control}`);
      link.href = `#control=${encodeURIComponent(`${framework}/${control}`)}`;
      return make("li", "", link, basis === "stated" ? "" : make("i", "", ` ${name("basis", basis)}`));
    })));
  }
  if (rule.references?.length) {
    parts.push(make("h3", "", field("references")), make("ul", "plain", ...rule.references.map(([shownAs, target]) =>
      make("li", "", target.startsWith("https://") ? outside(target, shownAs) : make("span", "address", shownAs)))));
  }
  return parts;
}

/** Everything about a finding, as elements. */
function describe(row, headingId) {
  const rule = ruleOf(row);
  const [id, type, , subscription, , region] = placeOf(row);
  const [source, where, collected] = line("origins", columns.origin[row]);
  const heading = make("h2", "", `${rule.id} ${rule.title ?? ""}`);
  if (headingId) heading.id = headingId;
  const change = told("change", row);
  const why = [told("why", row) && name("why", told("why", row)), told("was", row)].filter(Boolean).join(": ");
  const subscriptionName = data.subscriptions[subscription];
  const proof = listed("proofs", columns.evidence[row]);
  const qualifier = told("qualifier", row);
  return [
    make("p", "marks", mark("verdict", "v", verdictOf(row)), mark("severity", "s", severityOf(row)), change ? mark("change", "c", change) : ""),
    heading,
    make("p", "lead", told("message", row)),
    acceptedBox(row),
    facts((list) => {
      fact(list, "resource", code(id), " ", portal(id) ? outside(portal(id), words.portal) : "");
      fact(list, "type", type);
      fact(list, "location", region);
      fact(list, "subscription", subscriptionName ? `${subscriptionName} · ${subscription}` : subscription);
      fact(list, "element", code(told("element", row)));
      fact(list, "reason", told("reason", row));
      fact(list, "qualifier", qualifier && name("qualifier", qualifier));
      fact(list, "change", change && `${name("change", change)}${why ? `: ${why}` : ""}`);
      fact(list, "firstSeen", timeNode(told("firstSeen", row)));
    }),
    proof.length ? make("h3", "", field("evidence")) : null,
    proof.length ? evidenceTable(proof) : null,
    facts((list) => {
      fact(list, "source", source, where ? " " : "", code(where));
      fact(list, "apiVersion", told("apiVersion", row));
      fact(list, "collected", timeNode(collected));
      fact(list, "place", code(rule.place));
    }),
    rule.rationale ? make("h3", "", field("rationale")) : null,
    rule.rationale ? make("p", "prose", rule.rationale) : null,
    rule.manual ? make("p", "prose", rule.manual) : null,
    ...remediation(row, rule),
    rule.waivable === false ? make("p", "note", words["not-waivable"]) : null,
    ...affectedList(row),
    ...controlsAndReferences(rule),
    facts((list) => fact(list, "fingerprint", code(fingerprintOf(row), "digest"))),
  ].filter(Boolean);
}

function open(row) {
  opened = row;
  const at = shown.indexOf(row);
  const address = () => `${location.href.split("#")[0]}#f=${encodeURIComponent(fingerprintOf(row))}`;
  const card = make("a", "", words["rule-card"]);
  card.href = `#rule-${encodeURIComponent(ruleOf(row).id)}`;
  const known = $(`rule-${ruleOf(row).id}`) !== null;
  $("drawer-body").replaceChildren(...describe(row, "drawer-title"),
    make("p", "drawer-buttons", copyButton(words["copy-link"], address), known ? card : ""));
  for (const link of $("drawer-body").querySelectorAll('a[href^="#"]')) link.addEventListener("click", () => closeDrawer(false));
  addCopyButtons($("drawer-body"));
  $("drawer-place").textContent = at < 0 ? "" : fill(words.place, { n: format(at + 1), total: format(shown.length) });
  $("drawer-previous").disabled = at <= 0;
  $("drawer-next").disabled = at < 0 || at >= shown.length - 1;
  if (!drawer.open) drawer.showModal();
  $("drawer-body").scrollTop = 0;
  $("drawer-body").focus();
  writeHash();
}
/** Close it; unless a link leads elsewhere, the row it came from has the focus again. */
function closeDrawer(back) {
  if (!back) opened = -1;
  drawer.close();
}
function step(by) {
  const at = shown.indexOf(opened) + by;
  if (at < 0 || at >= shown.length) return;
  moveTo(at, false);
  open(shown[at]);
}
function buildDrawer() {
  $("drawer-previous").addEventListener("click", () => step(-1));
  $("drawer-next").addEventListener("click", () => step(1));
  $("drawer-close").addEventListener("click", () => closeDrawer(true));
  drawer.addEventListener("click", (event) => { if (event.target === drawer) closeDrawer(true); });
  drawer.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // In code and wide tables the arrows scroll sideways, as everywhere.
    if (event.target instanceof Element && event.target.closest("pre, .scroll") && event.key.startsWith("Arrow")) return;
    if (event.key === "ArrowLeft" || event.key === "k") step(-1);
    if (event.key === "ArrowRight" || event.key === "j") step(1);
  });
  drawer.addEventListener("close", () => {
    if (opened < 0) return;
    opened = -1;
    writeHash();
    moveTo(here, true);
  });
}

