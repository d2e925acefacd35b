/**
 * The three functions of the metadata proposal that `tsyringe`, and so `@peculiar/x509`, asks of `Reflect` before it loads.
 *
 * Not the whole proposal: metadata of classes only, found on the class or its parents.
 */

const metadata = new WeakMap<object, Map<unknown, unknown>>();

function define(key: unknown, value: unknown, target: object): void {
  const known = metadata.get(target) ?? new Map<unknown, unknown>();
  metadata.set(target, known.set(key, value));
}

function own(key: unknown, target: object): unknown {
  return metadata.get(target)?.get(key);
}

function inherited(key: unknown, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at)) {
    if (metadata.get(at)?.has(key)) return own(key, at);
  }
  return undefined;
}

/** Leaves a fuller implementation alone that somebody else has put there. */
export function provideReflectMetadata(): void {
  if ("getMetadata" in Reflect) return;
  Object.assign(Reflect, {
    defineMetadata: define,
    getOwnMetadata: own,
    getMetadata: inherited,
    metadata: (key: unknown, value: unknown) => (target: object) => define(key, value, target),
  });
}
