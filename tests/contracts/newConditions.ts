// Promises: a condition that is new in what comes in, `if` … `then`, takes nothing away from a request of the last release: either no such
// request could meet its `if`, or its `then` speaks of members alone that no such request could have.

import type { Json } from './documents.ts'

const membersOf = (schema: Json): Record<string, Json> => (schema['properties'] ?? {}) as Record<string, Json>

/** No request of before has such a value: it was not among those that were taken. */
const wasUnknown = (before: Json, when: Json): boolean =>
  Object.entries(membersOf(when)).some(([name, { const: value }]) => {
    const values = membersOf(before)[name]?.['enum'] as unknown[] | undefined
    return value !== undefined && values !== undefined && !values.includes(value)
  })

const isHarmless = (before: Json, condition: Json): boolean => {
  const { if: when, then, ...others } = condition as { if?: Json; then?: Json }
  if (when === undefined || then === undefined || Object.keys(others).length > 0) return false
  if (wasUnknown(before, when)) return true
  const isClosed = before['additionalProperties'] === false
  const speaksOfNewMembers = Object.keys(membersOf(then)).every((name) => membersOf(before)[name] === undefined)
  return isClosed && speaksOfNewMembers && Object.keys(then).every((keyword) => keyword === 'properties')
}

/** Whether every condition of `after` was there before, or binds nothing that was lawful before. */
export const conditionsAreHarmless = (before: Json, after: Json): boolean => {
  const old = (before['allOf'] ?? []) as Json[]
  return ((after['allOf'] ?? []) as Json[]).every(
    (condition) => old.some((one) => Bun.deepEquals(one, condition)) || isHarmless(before, condition),
  )
}
