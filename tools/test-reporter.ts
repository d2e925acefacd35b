/** Prints failures and skipped tests in full, passed ones not at all, and `N passed, N failed, N skipped` last. */
import type { TestEvent } from "node:test/reporters";

function describeFailure(event: Extract<TestEvent, { type: "test:fail" }>): string {
  const { name, file, line, details } = event.data;
  const { error } = details;
  const cause =
    error.cause instanceof Error
      ? (error.cause.stack ?? error.cause.message)
      : String(error.cause ?? error.message);
  return `\nFAIL ${name}\n  at ${file ?? "?"}:${line ?? 0}\n${cause.replace(/^/gm, "  ")}\n`;
}

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for await (const event of source) {
    if (event.type === "test:fail") {
      if (event.data.details.type === "suite") continue;
      failed++;
      yield describeFailure(event);
    } else if (event.type === "test:pass") {
      if (event.data.details.type === "suite") continue;
      if (event.data.skip === undefined) passed++;
      else {
        skipped++;
        yield `\nskipped: ${event.data.name}: ${event.data.skip}\n`;
      }
    }
  }
  yield `\n${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}
