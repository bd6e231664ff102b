// The body of a resolution, in which an operator says what was done about an exception: its schema and its reader, from one table.

import { Type } from '@sinclair/typebox'
import { memberOf, parseMembers, type Decoded, type UnknownFields } from '../exchange/decode.ts'
import { freeText } from '../exchange/freeText.ts'
import type { Fault } from '../exchange/problem.ts'

const members = { resolvedBy: freeText(200), note: freeText(2000) } as const
type Resolution = Record<keyof typeof members, string>

export const Resolve = Type.Object(
  { resolvedBy: members.resolvedBy.schema, note: members.note.schema },
  { additionalProperties: false, component: 'Resolve' },
)

/** Decodes a resolution; lists every fault. No other member of the body is passed on. */
export const decodeResolution = (text: string, unknownFields: UnknownFields): Decoded<Resolution> => {
  const parsed = parseMembers(text)
  if (!parsed.ok) return parsed
  const faults: Fault[] = []
  const readText = (name: keyof typeof members): string => {
    const value = memberOf(parsed.value, name)
    const { isValid, rule } = members[name]
    if (isValid(value)) return value
    faults.push({ pointer: `/${name}`, detail: rule })
    return ''
  }
  const value = { resolvedBy: readText('resolvedBy'), note: readText('note') }
  const isUnknown = (name: string): boolean => !Object.hasOwn(members, name)
  if (unknownFields === 'refuse' && Object.keys(parsed.value).some(isUnknown))
    faults.push({ pointer: '', detail: 'only resolvedBy and note are known here' })
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value }
}
