// On paper: what is filtered on screen becomes plain rows, a few of them with all their evidence.

const PRINTED = 2000;
const PRINTED_WHOLE = 200;
const PRINTED_PROOF = 12;

/** What differs from finding to finding; what is the same for a rule stands once, in the appendix. */
function printedDetail(row) {
  const [id] = placeOf(row);
  const [source, where, collected] = line("origins", columns.origin[row]);
  const change = told("change", row);
  const why = [told("why", row) && name("why", told("why", row)), told("was", row)].filter(Boolean).join(": ");
  const proof = make("ul", "plain printed-proof");
  const places = listed("proofs", columns.evidence[row]);
  for (const place of places.subarray(0, PRINTED_PROOF)) {
    const [path, , observed, expected, , from, , note] = line("evidence", place);
    const other = from && from !== where ? ` · ${from}` : "";
    proof.append(make("li", "", code(path, ""), ": ", code(observed, ""), ` · ${field("expected")} `, code(expected, ""), note ? ` · ${note}` : "", other));
  }
  const left = places.length - PRINTED_PROOF;
  if (left > 0) proof.append(make("li", "", fill(words["affected-more"], { n: format(left) })));
  return make("div", "detail",
    acceptedBox(row),
    facts((list) => {
      fact(list, "resource", code(id));
      fact(list, "element", code(told("element", row)));
      fact(list, "reason", told("reason", row));
      fact(list, "change", change && `${name("change", change)}${why ? `: ${why}` : ""}`);
      fact(list, "firstSeen", timeNode(told("firstSeen", row)));
      fact(list, "source", source, where ? " " : "", code(where), told("apiVersion", row) ? ` (${told("apiVersion", row)}) ` : " ", timeNode(collected));
    }),
    proof.childElementCount ? proof : null,
    ...texts("lists", columns.commands[row]).map((one) => make("pre", "printed-command", make("code", "", one))),
    columns.affectedCount[row] ? make("p", "note", `${many("affected", columns.affectedCount[row])}: ${texts("lists", columns.affected[row]).join(", ")}`) : null,
    make("p", "note", `${field("fingerprint")} `, code(fingerprintOf(row), "digest")));
}

function printedRow(row, whole) {
  const [, , resourceName] = placeOf(row);
  const standing = standingOf(row);
  const head = make("div", "printed-line", mark("verdict", "v", verdictOf(row)), mark("severity", "s", severityOf(row)),
    standing === "open" ? null : mark("standing", "t", standing), make("span", "rule", ruleOf(row).id),
    make("bdi", "name", resourceName), make("span", "message", told("message", row)));
  return make("div", "printed-row", head, whole ? printedDetail(row) : null);
}

function fillPaper() {
  const box = $("printed");
  const printed = shown.subarray(0, PRINTED);
  box.replaceChildren(make("p", "count-line", fill(words.printed, { n: format(shown.length), total: format(data.total) })));
  for (const row of printed) box.append(printedRow(row, shown.length <= PRINTED_WHOLE));
  if (shown.length > printed.length) box.append(make("p", "more", fill(words["printed-more"], { n: format(shown.length - printed.length) })));
  box.hidden = false;
}

function buildPaper() {
  addEventListener("beforeprint", fillPaper);
  addEventListener("afterprint", () => { $("printed").replaceChildren(); $("printed").hidden = true; });
}

