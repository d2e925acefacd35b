/** The commands, options and descriptions of a program as plain data: what completion scripts are made of. */
import type { Command } from "commander";

export type Word = { readonly word: string; readonly description: string };

export type Place = {
  /** The commands typed so far, joined by blanks: empty for the program itself, `rules test`. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
};

/** A description in a list of choices needs its first sentence only. */
function short(description: string): string {
  return description.split(/\. |\n/)[0] ?? description;
}

/** The program first, then each command before those below it. */
export function placesOf(command: Command, path = ""): readonly Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const place: Place = {
    path,
    commands: commands.map((below) => ({ word: below.name(), description: short(below.description()) })),
    options: help.visibleOptions(command).map((option) => ({
      word: option.long ?? option.short ?? option.flags,
      description: short(option.description),
    })),
  };
  const below = commands.flatMap((child) =>
    child.name() === "help" ? [] : placesOf(child, path === "" ? child.name() : `${path} ${child.name()}`),
  );
  return [place, ...below];
}
