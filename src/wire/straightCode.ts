// Functions that are made from a table once, at the start, and then run as fast as if they had been written by hand: a loop over
// the table for every order took a quarter longer to write one. TypeBox makes its checks in the same way.

/**
 * Compiles `expression` of the variable `it`. `names` are the functions that it may call. Its text is put together from tables of
 * this code alone, never from anything that came in. The caller says what the function takes and gives.
 */
export const compile = (
  expression: string,
  names: Readonly<Record<string, (value: never) => unknown>> = {},
): ((it: never) => unknown) =>
  new Function(...Object.keys(names), `'use strict'; return (it) => ${expression}`)(...Object.values(names)) as (
    it: never,
  ) => unknown
