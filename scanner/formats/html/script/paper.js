// On paper: what is filtered on screen becomes plain rows, a few of them with all their evidence.

const PRINTED = 2000;
const PRINTED_WHOLE = 200;

function printedRow(row, whole) {
  const [, , resourceName] = placeOf(row);
  const standing = standingOf(row);
  const line = make("div", "printed-line", mark("verdict", "v", verdictOf(row)), mark("severity", "s", severityOf(row)),
    standing === "open" ? null : mark("standing", "t", standing), make("span", "rule", ruleOf(row).id),
    make("bdi", "name", resourceName), make("span", "message", told("message", row)));
  const detail = whole ? make("div", "detail", ...describe(row, "").slice(3)) : null;
  return make("div", "printed-row", line, detail);
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

