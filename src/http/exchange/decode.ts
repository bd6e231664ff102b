// Parses the body of a request into the members of a JSON object. Decoders read each member by name.

import { NumberSource, parseExactJson, repeatedMember } from '../../wire/json.ts'
import type { Fault } from './problem.ts'

/** What happens to members and parameters that a route does not know. */
export type UnknownFields = 'refuse' | 'ignore'
export type Decoded<T> = { ok: true; value: T } | { ok: false; faults: Fault[] }

const safeName = /^[A-Za-z0-9_.-]{1,64}$/

/** The name if an answer may repeat it, because it cannot be mistaken for anything else; otherwise an empty text. */
export const shownName = (name: string): string => (safeName.test(name) ? name : '')

/** `/name` if an answer may repeat the name; otherwise empty, which stands for the whole body. */
export const pointerOf = (name: string): string => (safeName.test(name) ? `/${name}` : '')

/** An own member of the body; undefined for what every object inherits. */
export const memberOf = (body: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(body, name) ? body[name] : undefined

const refuse = (pointer: string, detail: string): { ok: false; faults: Fault[] } => ({
  ok: false,
  faults: [{ pointer, detail }],
})

/** The members of a JSON object with exact numbers; a repeated member is a fault. Read them one by one, by name; never pass on the whole. */
export const parseMembers = (text: string): Decoded<Record<string, unknown>> => {
  try {
    const value = parseExactJson(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof NumberSource)
      return refuse('', 'the body must be a JSON object')
    const repeated = repeatedMember(text, value)
    return repeated === null
      ? { ok: true, value: value as Record<string, unknown> }
      : refuse(pointerOf(repeated), 'is given more than once')
  } catch {
    return refuse('', 'the body is not valid JSON')
  }
}
