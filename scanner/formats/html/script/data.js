// The data block: columns of numbers into pools of texts. It stands in the page, or in a file beside it.

/** What is wrong with the data; `kind` names the sentence that the page says about it. */
class Lacking extends Error {
  constructor(kind) {
    super(kind);
    this.kind = kind;
  }
}

async function packed() {
  const block = $("table-data");
  const address = block.dataset.address;
  if (!address) {
    const content = block.textContent.trim();
    return Uint8Array.fromBase64?.(content) ?? Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
  }
  if (location.protocol === "file:") throw new Lacking("disk");
  const answer = await fetch(address).catch(() => { throw new Lacking("absent"); });
  if (!answer.ok) throw new Lacking("absent");
  return new Uint8Array(await answer.arrayBuffer());
}

async function load() {
  const bytes = await packed();
  // Some servers unpack what they send: then it is JSON already.
  const stream = new Blob([bytes]).stream();
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? stream.pipeThrough(new DecompressionStream("gzip")) : stream;
  const found = await new Response(plain).json().catch(() => { throw new Lacking("absent"); });
  if (found.report !== document.documentElement.dataset.report) throw new Lacking("other");
  return found;
}

let data, rules, size;
/** All pooled texts as one, and where each begins: half a million small strings would cost far more. */
let pool, begins;
const SEPARATOR = "\x7f";
/** One typed array for each column of the findings, also for those that hold one number throughout. */
const columns = {};
/** Tables of places in the pool of texts: one typed array for each of their columns. */
const tables = {};
/** Lists of any length: where each begins, and all their items one after the other. */
const lists = {};

/** Numbers from the steps between them. */
function risen(steps) {
  const found = new Uint32Array(steps.length);
  let sum = 0;
  for (let at = 0; at < steps.length; at++) found[at] = sum += steps[at];
  return found;
}

function beginnings(joined) {
  const found = [0];
  for (let at = joined.indexOf(SEPARATOR); at >= 0; at = joined.indexOf(SEPARATOR, at + 1)) found.push(at + 1);
  found.push(joined.length + 1);
  return Uint32Array.from(found);
}
const textAt = (place) => pool.slice(begins[place], begins[place + 1] - 1);

function unpack(found) {
  ({ rules, size } = found);
  pool = found.text;
  begins = beginnings(pool);
  delete found.text;
  for (const [key, column] of Object.entries(found.columns)) {
    columns[key] = Array.isArray(column) ? risen(column) : new Uint32Array(size).fill(column);
  }
  for (const key of ["resources", "evidence", "origins"]) tables[key] = found[key].map(risen);
  for (const key of ["proofs", "lists"]) {
    const { sizes, items } = found[key];
    lists[key] = { starts: risen([0, ...sizes]), items: risen(items) };
    delete found[key];
  }
  for (const key of ["resources", "evidence", "origins", "columns"]) delete found[key];
  data = found;
}

/** A row of a table, as texts. */
const line = (key, place) => tables[key].map((column) => textAt(column[place]));
/** A list, as numbers. */
const listed = (key, place) => lists[key].items.subarray(lists[key].starts[place], lists[key].starts[place + 1]);
/** A list of texts. */
const texts = (key, place) => Array.from(listed(key, place), textAt);
/** The place of a text among those that a column holds, or -1. */
const placeOfText = (column, wanted) => Array.from(new Set(column)).find((place) => textAt(place) === wanted) ?? -1;
/** One value for each resource, worked out from the places of its id, type, name, subscription, group and location. */
const eachResource = (work) => Array.from(tables.resources[0], (_, place) => work(...tables.resources.map((column) => column[place])));

const told = (key, row) => textAt(columns[key][row]);
const ruleOf = (row) => rules[columns.rule[row]];
const verdictOf = (row) => data.verdicts[columns.verdict[row]];
const severityOf = (row) => data.severities[columns.severity[row]];
const placeOf = (row) => line("resources", columns.resource[row]);
/** Whether somebody accepted a finding: waived, attested, lapsed (it was, and is not any more) or open. */
function standingOf(row) {
  if (columns.waiver[row]) return "waived";
  if (columns.attestation[row]) return "attested";
  return columns.lapsed[row] ? "lapsed" : "open";
}

// ---- fingerprints ---------------------------------------------------------------------------------------------------
// Only the first characters of each are in the data: they are worked out again from rule, place and element.

const PREFIX = 6;

function fingerprintOf(row) {
  const whole = data.whole[row];
  if (whole !== undefined) return whole;
  const where = told("cause", row) || placeOf(row)[0];
  const joined = [ruleOf(row).id.toLowerCase(), `/${where.replace(/^\/+|\/+$/g, "").toLowerCase()}`, told("element", row)].join("\x1f");
  return sha256(joined);
}
const beginsWith = (row, begin) => data.prints.startsWith(begin.slice(0, PREFIX), row * PREFIX) && fingerprintOf(row).startsWith(begin);

/** The row with a fingerprint, or -1. */
function rowOf(fingerprint) {
  for (const [row, whole] of Object.entries(data.whole)) if (whole === fingerprint) return Number(row);
  if (!/^[0-9a-f]{64}$/.test(fingerprint)) return -1;
  const begin = fingerprint.slice(0, PREFIX);
  for (let at = data.prints.indexOf(begin); at >= 0; at = data.prints.indexOf(begin, at + 1)) {
    if (at % PREFIX === 0 && fingerprintOf(at / PREFIX) === fingerprint) return at / PREFIX;
  }
  return -1;
}

let primes;
/** SHA-256 of ASCII text in hexadecimal. The browser's own needs a secure context, which a plain http server is not. */
function sha256(message) {
  primes ??= firstPrimes(64);
  const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
  const constants = primes.map((prime) => fraction(Math.cbrt(prime)));
  const hash = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
  const bytes = new Uint8Array((((message.length + 8) >> 6) + 1) * 64);
  for (let at = 0; at < message.length; at++) bytes[at] = message.charCodeAt(at);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 4, message.length * 8);
  const turn = (word, by) => (word >>> by) | (word << (32 - by));
  const schedule = new Int32Array(64);
  for (let block = 0; block < bytes.length; block += 64) {
    for (let at = 0; at < 16; at++) schedule[at] = view.getInt32(block + at * 4);
    for (let at = 16; at < 64; at++) {
      const early = schedule[at - 15], late = schedule[at - 2];
      schedule[at] = schedule[at - 16] + (turn(early, 7) ^ turn(early, 18) ^ (early >>> 3)) +
        schedule[at - 7] + (turn(late, 17) ^ turn(late, 19) ^ (late >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let at = 0; at < 64; at++) {
      const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + constants[at] + schedule[at]) | 0;
      const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, at) => { hash[at] = (hash[at] + word) | 0; });
  }
  return hash.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
function firstPrimes(wanted) {
  const found = [];
  for (let candidate = 2; found.length < wanted; candidate++) {
    if (found.every((prime) => candidate % prime)) found.push(candidate);
  }
  return found;
}

