/**
 * The peer's sockets of daemons that tell their part of the configuration: `getconfig <section>`, answered `ok <JSON>` or `err <text>`
 * (wazuh v4.14.7: src/logcollector/lccom.c, src/monitord/moncom.c, src/wazuh_modules/wmcom.c); that of the analysis speaks JSON.
 */
import { answerJson, DUE, OK, type Sections, sectionAnswer } from "./command-answers.ts";

/** As the peer's texts name the socket. */
export type ComponentName = "LCCOM" | "MONCOM" | "WMCOM";

export function answerComponent(name: ComponentName, sections: Sections, request: Buffer): Buffer {
  const { command, argument } = readCommand(request);
  if (command !== "getconfig") return Buffer.from("err Unrecognized command");
  return Buffer.from(
    argument === null ? `err ${name} getconfig needs arguments` : told(sections, argument, "ok "),
  );
}

export type AnalysisNeeds = {
  readonly sections: Sections;
  /** Reads the rule set again; the lines of its errors, empty when it is in use. */
  readonly reloadRules: () => Promise<readonly string[]>;
};

export function answerAnalysis({ sections, reloadRules }: AnalysisNeeds, request: Buffer): Promise<Buffer> {
  return answerJson(
    {
      plain: {
        "reload-ruleset": async () => {
          const errors = await reloadRules();
          return { code: errors.length === 0 ? OK : DUE, data: errors };
        },
      },
      withParameters: { getconfig: (parameters) => sectionAnswer(sections, parameters) },
    },
    request,
  );
}

/** `begin` stands before the JSON. */
export function told(sections: Sections, name: string, begin: string): string {
  const section = sections(name);
  return section === null ? "err Could not get requested section" : begin + JSON.stringify(section);
}

/** A word, and what follows its blank; null when there is none. Programs in C send the end of their text too. */
export function readCommand(request: Buffer): { readonly command: string; readonly argument: string | null } {
  const [text = ""] = request.toString("latin1").split("\0", 1);
  const blank = text.indexOf(" ");
  if (blank === -1) return { command: text, argument: null };
  return { command: text.slice(0, blank), argument: text.slice(blank + 1) };
}
