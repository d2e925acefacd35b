/**
 * A worst case of our own making: every event is long, hits expensive decoders and rules, or never looks like one before; nearly
 * all alert. The same seed gives the same events.
 */
import { SeededRandom } from "#testing/random.ts";

export const WORST_EVENTS = 2000;

const LONG_BYTES_MIN = 16 * 1024;
/** What an agent's message holds at most, without its header. */
const LONG_BYTES_MAX = 64_000;
const AGENTS = 1000;
/** As many as an event keeps. */
const JSON_FIELDS = 256;
const WINDOWS_FIELDS = 200;

/** Beginnings that decoders take, and what their patterns go back and forth over. */
const NEARLY_MATCHING: readonly (readonly [start: string, piece: string])[] = [
  ["sshd[4211]: Failed password for invalid user ", "from from port "],
  ["sshd[4211]: ", "a a a a. "],
  ["sudo:   joe : ", "TTY=pts/0 ; PWD=/home ; USER=root ; "],
  ["kernel: [9211.11] IN=eth0 OUT= ", "SRC=1.1.1.1 DST= "],
  ["postfix/smtpd[77]: ", "reject: RCPT from : "],
  ["named[12]: client ", "1.1.1.1#1: "],
  ["%ASA-6-302013: Built ", "for outside:1.1.1.1/1 "],
  ["type=AVC msg=audit(1.1:1): ", 'comm="a" a=b '],
  ["id=firewall sn=1 ", "src=1.1.1.1:1:X0 dst="],
  ["app: ", ": "],
  ["app: ", "=\\ "],
  ["app: ", "{[\"'"],
];

/** Pieces of attacks on web servers: each is a literal that rules look for. */
const ATTACKS = [
  "../",
  "%2e%2e%2f",
  "select%20",
  "union+select+",
  "<script>",
  "%3Cscript",
  "cmd.exe?",
  "/etc/passwd",
  "wp-login.php?",
];

/** Alerts whatever the program. */
const FAILURE = "authentication failure; ";

class Generator {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  #digits(bound: number): string {
    return String(this.#random.below(bound));
  }

  #word(): string {
    return this.#random.bytes(6).toString("hex");
  }

  #address(): string {
    return Array.from({ length: 4 }, () => 1 + this.#random.below(254)).join(".");
  }

  #long(piece: () => string): string {
    const bytes = LONG_BYTES_MIN + this.#random.below(LONG_BYTES_MAX - LONG_BYTES_MIN);
    let text = "";
    while (text.length < bytes) text += piece();
    return text.slice(0, bytes);
  }

  #header(): string {
    return `Nov 21 06:44:${String(this.#random.below(60)).padStart(2, "0")} ${this.#word()} `;
  }

  /** An attack whose source, host, user and process are never the same. */
  #bruteForce(): string {
    const [pid, port] = [this.#digits(65_536), this.#digits(65_536)];
    return `${this.#header()}sshd[${pid}]: Failed password for ${this.#word()} from ${this.#address()} port ${port} ssh2`;
  }

  /** A program that no decoder knows and no memo holds, with a message that is longer than usual. */
  #unknownProgram(): string {
    return `${this.#header()}${this.#word()}[${this.#digits(65_536)}]: ${FAILURE}${`${this.#word()} `.repeat(90)}`;
  }

  #nearlyMatching(): string {
    const [start, piece] = this.#random.pick(NEARLY_MATCHING);
    return this.#header() + start + this.#long(() => piece) + FAILURE;
  }

  #webRequest(): string {
    const url = this.#long(() => this.#random.pick(ATTACKS));
    return `${this.#address()} - - [21/Nov/2026:06:44:15 +0000] "GET /${url} HTTP/1.1" 404 196 "-" "${this.#word()}"`;
  }

  /** As many fields as fit, nested, no name known from before, values that need escapes. */
  #json(): string {
    const fields = Array.from(
      { length: JSON_FIELDS / 2 },
      (_, index) =>
        `"${this.#word()}":"C:\\\\${index}\\t\\"x\\"","n${index}":{"a":{"b":[1.5,"${index}",null]}}`,
    );
    const alert = `"alert":{"severity":1,"signature_id":${this.#digits(1e6)},"signature":"${this.#word()}"}`;
    const head = `"timestamp":"2026-11-21T06:44:17.5+0000","event_type":"alert","src_ip":"${this.#address()}"`;
    return `{${head},${alert},${fields.join(",")}}`;
  }

  #command(): string {
    const parts = this.#long(() => `a${this.#digits(1000)}="${this.#word()}" `);
    return `type=EXECVE msg=audit(1763707457.100:${this.#digits(1e6)}): argc=9 key="audit-wazuh-c" ${parts}`;
  }

  #windowsError(): string {
    const data = Array.from(
      { length: WINDOWS_FIELDS },
      () => `<Data Name='${this.#word()}'>C:\\${this.#word()}\\&lt;${this.#word()}&gt;</Data>`,
    );
    const system = `<Provider Name='${this.#word()}'/><EventID>1000</EventID><Level>2</Level><Keywords>0x80000000000000</Keywords><Channel>Application</Channel>`;
    const event = `<Event><System>${system}</System><EventData>${data.join("")}</EventData></Event>`;
    return JSON.stringify({ Message: `Fault\r\n${`${this.#word()}\r\n`.repeat(100)}`, Event: event });
  }

  /** The queue and the message. */
  event(): readonly [queue: string, message: string] {
    switch (this.#random.below(8)) {
      case 0:
      case 1:
        return ["1", this.#bruteForce()];
      case 2:
        return ["1", this.#unknownProgram()];
      case 3:
        return ["1", this.#nearlyMatching()];
      case 4:
        return ["1", this.#webRequest()];
      case 5:
        return ["1", this.#json()];
      case 6:
        return ["1", this.#command()];
      default:
        return ["f", this.#windowsError()];
    }
  }

  queueMessage(): string {
    const [queue, message] = this.event();
    const agent = String(1 + this.#random.below(AGENTS)).padStart(4, "0");
    return `${queue}:[${agent}] (agent${agent}) ${this.#address()}->/var/log/${this.#word()}:${message}`;
  }
}

export function worstMessages(count: number, seed: number): readonly string[] {
  const generator = new Generator(seed);
  return Array.from({ length: count }, () => generator.queueMessage());
}
