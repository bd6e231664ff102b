// A stand-in for the driver's tag, for the real functions of src/store. They build their statements, encode their arrays and map
// their rows as usual; `execute` only replaces what Postgres does with the text.

import type { Sql } from '../../../src/store/sql.ts'

/** A statement with its fragments put in: `$1`, `$2` in the text, white space made single. */
export type Statement = { text: string; parameters: unknown[] }
export type Execute = (statement: Statement) => Promise<object[]>

type Fragment = { parts: readonly string[]; values: readonly unknown[] }

const isFragment = (value: unknown): value is Fragment =>
  typeof value === 'object' && value !== null && 'parts' in value && 'values' in value

const singleSpaced = new WeakMap<readonly string[], string[]>()

const partsOf = ({ parts }: Fragment): string[] => {
  let text = singleSpaced.get(parts)
  if (text === undefined) {
    text = parts.map((part) => part.replace(/\s+/g, ' '))
    singleSpaced.set(parts, text)
  }
  return text
}

const write = (fragment: Fragment, parameters: unknown[]): string => {
  const { values } = fragment
  const parts = partsOf(fragment)
  let text = parts[0]!
  values.forEach((value, i) => {
    text += isFragment(value) ? write(value, parameters) : `$${parameters.push(value)}`
    text += parts[i + 1]!
  })
  return text
}

const flatten = (fragment: Fragment): Statement => {
  const parameters: unknown[] = []
  return { text: write(fragment, parameters).trim(), parameters }
}

/** Lazy, as the driver's: a query that nobody awaits is a fragment. */
export const createFakeSql = (execute: Execute): Sql => {
  const tag = (parts: TemplateStringsArray, ...values: unknown[]) => {
    const fragment: Fragment = { parts, values }
    const query = {
      ...fragment,
      simple: () => query,
      // oxlint-disable-next-line unicorn/no-thenable -- the driver's queries are
      then: <T, E>(done: (rows: object[]) => T, failed: (error: unknown) => E) =>
        // oxlint-disable-next-line promise/no-callback-in-promise
        execute(flatten(fragment)).then(done, failed),
    }
    return query
  }
  return tag as unknown as Sql
}

/** The elements of a `text[]` literal, as textArray writes it. */
export const arrayFromLiteral = (literal: unknown): (string | null)[] => {
  const text = String(literal)
  if (!text.startsWith('{') || !text.endsWith('}')) throw new Error(`no array: ${text}`)
  const elements: (string | null)[] = []
  const element = /"((?:[^"\\]|\\.)*)"|([^,{}"]+)/g
  for (const [, quoted, plain] of text.slice(1, -1).matchAll(element))
    elements.push(quoted === undefined ? unquoted(plain!) : quoted.replace(/\\(.)/g, '$1'))
  return elements
}

const unquoted = (text: string): string | null => (text.toUpperCase() === 'NULL' ? null : text)
