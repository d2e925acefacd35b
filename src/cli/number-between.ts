/** An option's argument that is a whole number within bounds. */
import { InvalidArgumentError } from "commander";

export function numberBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]{1,9}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected a number from ${min} to ${max}`);
  };
}
