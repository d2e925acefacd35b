/** Prints how many of the peer's own rule tests have exactly the peer's outcome: rule, level, decoder, predecoder and every field. */
import { scoreExpected } from "./score.ts";

const { passed, failed, failures } = scoreExpected();
const shown = Number(process.argv[2] ?? 10);
for (const failure of failures.slice(0, shown)) process.stdout.write(`${failure}\n`);
const total = passed + failed;
process.stdout.write(
  `${((100 * passed) / total).toFixed(2)} % of ${total} entries\n${passed} passed, ${failed} failed\n`,
);
