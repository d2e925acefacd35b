/** Goal: alerts in the administrator's words, one record each. Method: templates by hand; messages that try to say more than their part. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineFixture, JSON_DECODER, START_MS } from "#analysis/engine.fixture.ts";
import type { RawEvent } from "#model/event-block.ts";
import { compileCustomAlert } from "./custom-alert.ts";

const SECONDS = Math.floor(START_MS / 1000);
const RULES = `<rule id="100001" level="5"><decoded_as>json</decoded_as><description>user $(dstuser)</description></rule>
  <rule id="100002" level="12"><match>loud</match><description>loud</description></rule>`;

function recordOf(template: string, message: string, raw: Partial<RawEvent> = {}): string {
  const fixture = new EngineFixture({ decoders: JSON_DECODER, rules: RULES });
  const { event, verdict } = fixture.process(message, { position: 99, ...raw });
  assert(verdict !== null);
  return compileCustomAlert(template)(event, verdict);
}

test("compileCustomAlert() fills in every name", () => {
  const template =
    "$TIMESTAMP|$FTELL|$RULEALERT|$HOSTNAME|$LOCATION|$RULEID|$RULELEVEL|$SRCIP|$DSTUSER|$FULLLOG|$RULECOMMENT|$RULEGROUP";
  const message = '{"srcip":"192.0.2.1","dstuser":"joe"}';
  assert.equal(
    recordOf(template, message),
    `${SECONDS}|99||manager|/var/log/test.log|100001|5|192.0.2.1|joe|${message}|user joe|local,\n`,
  );
});

test("compileCustomAlert() says None for what is missing, and marks mails", () => {
  assert.equal(recordOf("$RULEALERT- $SRCIP $DSTUSER", "loud"), "mail - None None\n");
});

test("compileCustomAlert() leaves everything else of the template as it is", () => {
  const template = " constructor $ $X $RULEIDS $$RULEID $ruleid \\n\tAlert <x>";
  assert.equal(recordOf(template, "loud"), " constructor $ $X 100002S $100002 $ruleid \\n\tAlert <x>\n");
  assert.equal(recordOf("", "loud"), "\n");
});

test("compileCustomAlert() ends no record inside an event's text, and looks for no names in it", () => {
  const record = recordOf("$FULLLOG|$LOCATION|$RULECOMMENT", "loud\n$RULEID\r\n\u001b[2J", {
    location: "/x\n$SRCIP",
  });
  assert.equal(record, "loud\\n$RULEID\\r\\n\\x1b[2J|/x\\x0a$SRCIP|loud\n");
});
