// What a dictionary of FIX says, and the judgement of a message by it: the reason of a Reject (3) and the tag that it names.

import { readUtcTimestamp, type Field } from './codec.ts'

/** How a value has to look. */
export const formats = {
  STRING: () => true,
  DATA: () => true,
  MULTIPLEVALUESTRING: () => true,
  CHAR: (text) => text.length === 1,
  BOOLEAN: (text) => text === 'Y' || text === 'N',
  INT: (text) => /^-?\d{1,18}$/.test(text),
  SEQNUM: (text) => /^\d{1,15}$/.test(text),
  LENGTH: (text) => /^\d{1,9}$/.test(text),
  NUMINGROUP: (text) => /^\d{1,5}$/.test(text),
  FLOAT: (text) => /^-?(?:\d+(?:\.\d*)?|\.\d+)$/.test(text),
  UTCTIMESTAMP: (text) => !Number.isNaN(readUtcTimestamp(text)),
  LOCALMKTDATE: (text) => !Number.isNaN(readUtcTimestamp(`${text}-00:00:00`)),
  MONTHYEAR: (text) => /^\d{4}(?:0[1-9]|1[0-2])(?:w[1-5]|0[1-9]|[12]\d|3[01])?$/.test(text),
} as const satisfies Record<string, (text: string) => boolean>
export type Format = keyof typeof formats

/** `values`: those that it may have; of MULTIPLEVALUESTRING, each of its words. Without: any. */
export type FieldRule = { format: Format; values?: ReadonlySet<string> }

/** Fields of a message or of a repeating group, by tag; a group by the tag of its count. */
export type Structure = { required: readonly number[]; members: ReadonlyMap<number, Group | null> }
/** `first`: the field that each entry begins with. */
export type Group = Structure & { first: number }

/** `messages`: those that are spoken. `types`: those that FIX knows. */
export type Dictionary = {
  fields: ReadonlyMap<number, FieldRule>
  header: Structure
  trailer: ReadonlySet<number>
  messages: ReadonlyMap<string, Structure>
  types: ReadonlySet<string>
}

/** SessionRejectReason (373) with the text that goes with it. */
export const rejectTexts = {
  0: 'Invalid tag number',
  1: 'Required tag missing',
  2: 'Tag not defined for this message type',
  4: 'Tag specified without a value',
  5: 'Value is incorrect (out of range) for this tag',
  6: 'Incorrect data format for value',
  9: 'CompID problem',
  10: 'SendingTime accuracy problem',
  11: 'Invalid MsgType',
  13: 'Tag appears more than once',
  14: 'Tag specified out of required order',
  15: 'Repeating group fields out of order',
  16: 'Incorrect NumInGroup count for repeating group',
} as const
type RejectReason = keyof typeof rejectTexts

/** `tag`: RefTagID (371). */
export type Fault = { reason: RejectReason; tag: number | null }

const lawful = ({ format, values }: FieldRule, text: string): RejectReason | null => {
  if (!formats[format](text)) return 6
  if (values === undefined) return null
  const words = format === 'MULTIPLEVALUESTRING' ? text.split(' ') : [text]
  return words.every((word) => values.has(word)) ? null : 5
}

type Level = { fields: readonly Field[]; rules: ReadonlyMap<number, FieldRule> }
type Walk = { fault: Fault } | { fault: null; next: number }

const fieldFault = ([tag, value]: Field, rules: Level['rules']): Fault | null => {
  const rule = rules.get(tag)
  if (rule === undefined) return { reason: 0, tag }
  if (value === '') return { reason: 4, tag }
  const reason = lawful(rule, value)
  return reason === null ? null : { reason, tag }
}

/** Entries of the group whose count stands at `at`. */
const walkGroup = (level: Level, at: number, group: Group): Walk => {
  const [tag, count] = level.fields[at]!
  let next = at + 1
  let entries = 0
  while (level.fields[next]?.[0] === group.first) {
    entries += 1
    const seen = new Set<number>()
    while (next < level.fields.length) {
      const member = level.fields[next]![0]
      if (!group.members.has(member) || (member === group.first && seen.has(member))) break
      if (seen.has(member)) return { fault: { reason: 13, tag: member } }
      seen.add(member)
      const walk = walkMember(level, next, group)
      if (walk.fault !== null) return walk
      next = walk.next
    }
    const missing = group.required.find((required) => !seen.has(required))
    if (missing !== undefined) return { fault: { reason: 1, tag: missing } }
  }
  if (entries === Number(count)) return { fault: null, next }
  const misplaced = level.fields[next]
  const outOfOrder = entries === 0 && misplaced !== undefined && group.members.has(misplaced[0])
  return { fault: outOfOrder ? { reason: 15, tag: misplaced[0] } : { reason: 16, tag } }
}

/** One field of a message, with the entries that follow it if it counts a group. */
const walkMember = (level: Level, at: number, structure: Structure): Walk => {
  const fault = fieldFault(level.fields[at]!, level.rules)
  if (fault !== null) return { fault }
  const group = structure.members.get(level.fields[at]![0])
  return group === null || group === undefined ? { fault: null, next: at + 1 } : walkGroup(level, at, group)
}

/** The first fault of a message's fields after MsgType, or null. Parts come in order: header, body, trailer. */
export const faultOf = (dictionary: Dictionary, body: Structure, fields: readonly Field[]): Fault | null => {
  const level: Level = { fields, rules: dictionary.fields }
  const seen = new Set<number>()
  let part = 0
  for (let at = 0; at < fields.length;) {
    const tag = fields[at]![0]
    const inHeader = dictionary.header.members.has(tag)
    const known = inHeader || dictionary.trailer.has(tag) || body.members.has(tag)
    const fault = fieldFault(fields[at]!, dictionary.fields)
    if (fault !== null && (fault.reason === 0 || fault.reason === 4)) return fault
    if (!known) return { reason: 2, tag }
    const its = inHeader ? 0 : body.members.has(tag) ? 1 : 2
    if (its < part) return { reason: 14, tag }
    part = its
    if (seen.has(tag)) return { reason: 13, tag }
    seen.add(tag)
    const walk = walkMember(level, at, inHeader ? dictionary.header : body)
    if (walk.fault !== null) return walk.fault
    at = walk.next
  }
  const missing = [...dictionary.header.required, ...body.required].find((tag) => !seen.has(tag))
  return missing === undefined ? null : { reason: 1, tag: missing }
}
