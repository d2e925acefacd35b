/** Brands: values of one base type that must not be mixed up. The only way to a brand is its parser. */

declare const brand: unique symbol;
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };
