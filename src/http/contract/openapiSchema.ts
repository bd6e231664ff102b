// Schemas in the form of the document.

import type { ProblemCode } from '../exchange/problem.ts'

export type Json = Record<string, unknown>

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

/** The name of the schema of a problem. `operation`: the route whose problem has members of its own; empty for those that all share. */
export const problemName = (code: ProblemCode, operation = ''): string =>
  `${capital(operation)}${code.toLowerCase().split('_').map(capital).join('')}Problem`

/**
 * A schema in the form of the document: a component becomes a reference. `isRoot`: write the component itself instead of a reference
 * to it.
 */
export const documentSchema = (value: unknown, isRoot = false): unknown => {
  if (Array.isArray(value)) return value.map((item) => documentSchema(item))
  if (typeof value !== 'object' || value === null) return value
  const { component, ...schema } = value as Json
  if (typeof component === 'string' && !isRoot) return { $ref: `#/components/schemas/${component}` }
  return Object.fromEntries(Object.entries(schema).map(([key, inner]) => [key, documentSchema(inner)]))
}
