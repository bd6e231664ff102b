// Parses the body of a request into the members of a JSON object. Decoders read each member by name.

import {
  NumberSource,
  parseExactJson,
  repeatedMember,
  repeatedMemberInside,
  repeatedMembersOfList,
} from '../../wire/json.ts'
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

type Members = Record<string, unknown>

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberSource)

const noObject = (): { ok: false; faults: Fault[] } => refuse('', 'the body must be a JSON object')

const repeats = (name: string): { ok: false; faults: Fault[] } => refuse(pointerOf(name), 'is given more than once')

/** `repeated`: a member that the object repeats. */
const unlessRepeated = (members: Members, repeated: string | null): Decoded<Members> =>
  repeated === null ? { ok: true, value: members } : repeats(repeated)

const parseObject = (text: string): Decoded<Members> => {
  try {
    const value = parseExactJson(text)
    return isMembers(value) ? { ok: true, value } : noObject()
  } catch {
    return refuse('', 'the body is not valid JSON')
  }
}

/** The members of a JSON object with exact numbers; a repeated member is a fault. Read them one by one, by name; never pass on the whole. */
export const parseMembers = (text: string): Decoded<Members> => {
  const body = parseObject(text)
  return body.ok ? unlessRepeated(body.value, repeatedMember(text, body.value)) : body
}

/** The same, and no object inside repeats a member either. */
export const parseNestedMembers = (text: string): Decoded<Members> => {
  const body = parseObject(text)
  return body.ok ? unlessRepeated(body.value, repeatedMemberInside(text)) : body
}

type ListOptions = {
  /** The only member of the body. */
  member: string
  itemsMax: number
}

/** The items of such a list, or what is wrong with the body that should be one. */
const itemsOf = (body: Members, { member, itemsMax }: ListOptions): Decoded<unknown[]> => {
  const faults = Object.keys(body)
    .filter((name) => name !== member)
    .map((name) => ({ pointer: pointerOf(name), detail: `is not known here; the only member is ${member}` }))
  const list = memberOf(body, member)
  const isList = Array.isArray(list) && list.length >= 1 && list.length <= itemsMax
  if (!isList) faults.push({ pointer: `/${member}`, detail: `must be a list of 1 to ${itemsMax} ${member}` })
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value: list as unknown[] }
}

/**
 * The members of each object of a list, in order, with the faults that `parseMembers` would find if that object was the body. The list is
 * the only member of the body; a body that is not such a list has faults of its own.
 */
export const parseMembersOfList = (text: string, options: ListOptions): Decoded<Decoded<Members>[]> => {
  const body = parseObject(text)
  if (!body.ok) return body
  const items = itemsOf(body.value, options)
  if (!items.ok) return items
  const { ofBody, ofItems } = repeatedMembersOfList(text, body.value, items.value.filter(isMembers))
  if (ofBody !== null) return repeats(ofBody)
  let at = 0
  return {
    ok: true,
    value: items.value.map((item) => (isMembers(item) ? unlessRepeated(item, ofItems[at++]!) : noObject())),
  }
}
