/**
 * Completion scripts for bash, zsh and fish. Each finds the commands already typed (the place) and offers the commands and options
 * there; where nothing fits, names of files.
 */
import type { Place, Word } from "./command-tree.ts";

export type Shell = "bash" | "zsh" | "fish";

/** In single quotes, which every shell of the three takes as they are but for the quote itself. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** What a place and the next word must be for the word to be a command below it: `' rules' 'rules test'`. */
function stepPatterns(places: readonly Place[]): readonly string[] {
  return places
    .filter(({ path }) => path !== "")
    .map(({ path }) => {
      const blank = path.lastIndexOf(" ");
      return quoted(`${blank < 0 ? "" : path.slice(0, blank)} ${path.slice(blank + 1)}`);
    });
}

function wordsOf({ commands, options }: Place): readonly Word[] {
  return [...commands, ...options];
}

function bash(places: readonly Place[]): string {
  const cases = places.map(
    (place) =>
      `    ${quoted(place.path)}) words=${quoted(
        wordsOf(place)
          .map(({ word }) => word)
          .join(" "),
      )} ;;`,
  );
  return `# bash completion of cyb3rhq: source <(cyb3rhq completion bash)
_cyb3rhq() {
  local place='' words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$place \${COMP_WORDS[index]}" in
      ${stepPatterns(places).join("|")}) place="\${place:+$place }\${COMP_WORDS[index]}" ;;
    esac
  done
  case "$place" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _cyb3rhq cyb3rhq
`;
}

function zsh(places: readonly Place[]): string {
  const entry = ({ word, description }: Word) => quoted(`${word}:${description.replaceAll(":", "\\:")}`);
  const cases = places.map(
    (place) => `    ${quoted(place.path)}) entries=(${wordsOf(place).map(entry).join(" ")}) ;;`,
  );
  return `#compdef cyb3rhq
# zsh completion of cyb3rhq: source <(cyb3rhq completion zsh)
_cyb3rhq() {
  local place='' word
  local -a entries
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place $word" in
      ${stepPatterns(places).join("|")}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$place" in
${cases.join("\n")}
  esac
  _describe cyb3rhq entries || _files
}
if [[ "$funcstack[1]" == _cyb3rhq ]]; then _cyb3rhq "$@"; else compdef _cyb3rhq cyb3rhq; fi
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap((place) => {
    const condition = quoted(`__cyb3rhq_at "${place.path}"`);
    const commands = place.commands.map(
      ({ word, description }) =>
        `complete -c cyb3rhq -n ${condition} -f -a ${quoted(word)} -d ${quoted(description)}`,
    );
    const options = place.options.map(
      ({ word, description }) =>
        `complete -c cyb3rhq -n ${condition} -l ${quoted(word.replace(/^--/, ""))} -d ${quoted(description)}`,
    );
    return [...commands, ...options];
  });
  return `# fish completion of cyb3rhq: cyb3rhq completion fish | source
function __cyb3rhq_at
  set -l place ''
  for word in (commandline -opc)[2..-1]
    switch "$place $word"
      case ${stepPatterns(places).join(" ")}
        set place (string trim "$place $word")
    end
  end
  test "$place" = "$argv[1]"
end
${lines.join("\n")}
`;
}

const SCRIPTS: Readonly<Record<Shell, (places: readonly Place[]) => string>> = { bash, zsh, fish };

export function completionScript(shell: Shell, places: readonly Place[]): string {
  return SCRIPTS[shell](places);
}
