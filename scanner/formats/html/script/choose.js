// Which findings are shown, and in which order.

const FILTERS = ["q", "verdict", "severity", "standing", "change", "subscription", "control"];
const VERDICTS = ["fail", "error", "unknown", "manual", "pass", "notApplicable"];
const CHANGES = ["new", "reopened", "changed", "persisting"];
const STANDINGS = ["open", "waived", "lapsed", "attested"];

const state = { sort: "", down: false };
for (const key of FILTERS) state[key] = "";
/** The rows that are shown, and the place of the current one among them. */
let shown = new Uint32Array(0);
let here = 0;

let lower, lowerBegins, ruleText;
const ranks = {};

function rankOf(items) {
  const order = [...items.keys()].sort((a, b) => (items[a] < items[b] ? -1 : items[a] > items[b] ? 1 : a - b));
  const rank = new Uint32Array(items.length);
  order.forEach((item, place) => { rank[item] = place; });
  return rank;
}
/** The pool in lower case; some letters grow by it, so it has beginnings of its own. */
function lowered() {
  if (lower !== undefined) return;
  lower = pool.toLowerCase();
  lowerBegins = lower.length === pool.length ? begins : beginnings(lower);
  ruleText = rules.map((rule) => `${rule.id} ${rule.title ?? ""}`.toLowerCase());
}
/** Which texts of the pool hold a word: the pool is searched as one, which is much faster than text by text. */
function holding(term) {
  const found = new Uint8Array(begins.length - 1);
  if (term.includes(SEPARATOR)) return found;
  let place = 0;
  for (let at = lower.indexOf(term); at >= 0; at = lower.indexOf(term, lowerBegins[place + 1])) {
    let last = lowerBegins.length - 1;
    while (last - place > 1) {
      const middle = (place + last) >> 1;
      if (lowerBegins[middle] <= at) place = middle;
      else last = middle;
    }
    found[place] = 1;
  }
  return found;
}
/** The rank of each text that a column holds, by its place in the pool. */
function rankOfTexts(column) {
  const places = [...new Set(column)];
  const rank = rankOf(places.map((place) => textAt(place).toLowerCase()));
  const found = new Map();
  places.forEach((place, at) => found.set(place, rank[at]));
  return found;
}
const later = (list, item) => (list.includes(item) ? list.indexOf(item) : list.length);
/** For each column that can be sorted, a function that gives a number for a row. */
const comparable = {
  verdict: () => (row) => later(VERDICTS, verdictOf(row)),
  severity: () => (row) => columns.severity[row],
  change: () => (row) => later(CHANGES, told("change", row)),
  rule: () => {
    ranks.rule ??= rankOf(rules.map((rule) => rule.id));
    return (row) => ranks.rule[columns.rule[row]];
  },
  resource: () => {
    ranks.resource ??= rankOf(eachResource((id, _, called) => `${textAt(called)} ${textAt(id)}`.toLowerCase()));
    return (row) => ranks.resource[columns.resource[row]];
  },
  message: () => {
    ranks.message ??= rankOfTexts(columns.message);
    return (row) => ranks.message.get(columns.message[row]);
  },
};

/** The tests that the words of the search box make, one for each word. */
function wordTests() {
  const terms = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  if (!terms.length) return [];
  lowered();
  return terms.map((term) => {
    const inText = holding(term);
    const inRule = ruleText.map((item) => item.includes(term));
    const inResource = eachResource((id, _, called) => inText[id] || inText[called]);
    const searched = ["message", "element", "reason", "waiver", "lapsed", "attestation"].map((key) => columns[key]);
    const hexadecimal = term.length >= PREFIX && /^[0-9a-f]+$/.test(term);
    return (row) => inRule[columns.rule[row]] || inResource[columns.resource[row]] || searched.some((column) => inText[column[row]]) ||
      (hexadecimal && beginsWith(row, term));
  });
}

function tests() {
  const found = [];
  const place = (list, value) => { const at = list.indexOf(value); return at < 0 ? list.length : at; };
  if (state.verdict) {
    const wanted = place(data.verdicts, state.verdict);
    found.push((row) => columns.verdict[row] === wanted);
  }
  if (state.severity) {
    const wanted = place(data.severities, state.severity);
    found.push((row) => columns.severity[row] === wanted);
  }
  if (state.standing) found.push((row) => standingOf(row) === state.standing);
  if (state.change) {
    const wanted = placeOfText(columns.change, state.change);
    found.push((row) => columns.change[row] === wanted);
  }
  if (state.subscription) {
    const inside = eachResource((id, type, called, subscription) => textAt(subscription) === state.subscription);
    found.push((row) => inside[columns.resource[row]]);
  }
  if (state.control) {
    const speaks = rules.map((rule) => (rule.controls ?? []).some(([framework, control]) => `${framework}/${control}` === state.control));
    found.push((row) => speaks[columns.rule[row]]);
  }
  return [...found, ...wordTests()];
}

function choose() {
  const wanted = tests();
  const found = new Uint32Array(size);
  let count = 0;
  rows: for (let row = 0; row < size; row++) {
    for (const test of wanted) if (!test(row)) continue rows;
    found[count++] = row;
  }
  shown = found.subarray(0, count);
  if (state.sort in comparable) {
    const compare = comparable[state.sort]();
    const keys = Float64Array.from(shown, compare);
    const sign = state.down ? -1 : 1;
    const order = Uint32Array.from(keys.keys()).sort((a, b) => sign * (keys[a] - keys[b]) || a - b);
    shown = order.map((at) => found[at]);
  }
  here = Math.min(here, Math.max(0, shown.length - 1));
}

