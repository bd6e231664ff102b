// The forms in which a dead letter can be written: as it should be, and what a broker takes where it refuses that. Pure.

import type { LetterDisposition } from '../../domain/leg.ts'
import type { Source } from '../../store/fills.ts'
import { coordinatesText } from '../../wire/coordinates.ts'
import { isLetterHeader, letterHeaders, letterParts, redrivenFrom, type LetterPart } from '../letterHeaders.ts'
import type { Blame, OutRecord } from '../producer.ts'

export type DeadLetter = {
  source: Source
  /** The source message's: its broker took it, which says little of what another topic takes. */
  timestamp: bigint
  key: Buffer | null
  value: Buffer | null
  /** As received. Kafka's format allows a header without a value, and who writes it carelessly leaves out a name. */
  headers: ReadonlyMap<Buffer | null, Buffer | null>
  disposition: LetterDisposition
  reason: string
  /** Which legs: `BUY:<order id>`; empty for a message that could not be decoded. */
  legs: readonly string[]
  /** Parts of the message that could not be had. */
  leftOut?: readonly LetterPart[]
}

/** What is to be tried, the first of each now. `keyed`: whether the letter's id is its key, for want of one of the message's own. */
export type LetterForm = {
  stamps: readonly bigint[]
  cuts: readonly (readonly LetterPart[])[]
  keyed: boolean
}

const textMax = 500
const rootMax = 300
/** No time at all: any broker takes it, whatever its clock and ours say, and keeps the record by the time of its file. */
const noStamp = -1n

/** Header values stay one readable line whatever the message said. */
const headerText = (text: string): Buffer => Buffer.from(text.replace(/[^\x20-\x7e]/g, '?').slice(0, textMax))

/** Never before its message, so that a clock that is far behind does not give it to retention at once; else by either clock; else none. */
const stampsOf = ({ timestamp }: DeadLetter, now: bigint): bigint[] => [
  ...new Set([timestamp > now ? timestamp : now, now, ...(timestamp < 0n ? [] : [timestamp]), noStamp]),
]

/** By what is lost least: a message without its headers can still be sent again, one without its value only be looked up. */
const cutsOf = ({ key, value, headers }: DeadLetter): LetterPart[][] => {
  const present: readonly LetterPart[] = [
    ...(headers.size > 0 ? (['headers'] as const) : []),
    ...(value === null ? [] : (['value'] as const)),
    ...(key === null ? [] : (['key'] as const)),
  ]
  const all: readonly LetterPart[][] = [[], ['headers'], ['value'], ['headers', 'value'], ['headers', 'value', 'key']]
  const cuts = all.map((cut) => cut.filter((part) => present.includes(part)))
  return cuts.filter((cut, n) => cuts.findIndex((other) => other.join() === cut.join()) === n)
}

export const firstForm = (letter: DeadLetter, now: Date): LetterForm => ({
  stamps: stampsOf(letter, BigInt(now.getTime())),
  cuts: cutsOf(letter),
  keyed: false,
})

const isKeyless = (letter: DeadLetter, { cuts, keyed }: LetterForm): boolean =>
  !keyed && (letter.key === null || cuts[0]!.includes('key'))

const cutMore = (form: LetterForm): LetterForm | null =>
  form.cuts.length > 1 ? { ...form, cuts: form.cuts.slice(1) } : null

/** What to try after a refusal; null where there is nothing more to try. */
export const nextForm = (letter: DeadLetter, form: LetterForm, blame: NonNullable<Blame>): LetterForm | null => {
  switch (blame) {
    case 'timestamp':
      return form.stamps.length > 1 ? { ...form, stamps: form.stamps.slice(1) } : null
    case 'size':
      return cutMore(form)
    case 'record':
      // A compacted topic takes no record without a key.
      return isKeyless(letter, form) ? { ...form, keyed: true } : cutMore(form)
  }
}

const bytesOf = (letter: DeadLetter, part: LetterPart): number => {
  switch (part) {
    case 'headers':
      return [...letter.headers].reduce((sum, [name, value]) => sum + (name?.length ?? 0) + (value?.length ?? 0), 0)
    case 'value':
      return letter.value?.length ?? 0
    case 'key':
      return letter.key?.length ?? 0
  }
}

/** About the size of its record. */
export const letterBytes = (letter: DeadLetter): number =>
  bytesOf(letter, 'headers') + bytesOf(letter, 'value') + bytesOf(letter, 'key') + 2 * textMax

export const letterId = ({ source }: DeadLetter): string => coordinatesText(source)

/** For a person; a program reads the header that says it. */
const reasonOf = (letter: DeadLetter, cut: readonly LetterPart[]): string =>
  cut.length === 0
    ? letter.reason
    : `${letter.reason}; left out: ${cut.map((part) => `${part} (${bytesOf(letter, part)} bytes)`).join(', ')}`

/** Without those that cannot be written, and those that an earlier letter had. */
const ownHeaders = ({ headers }: DeadLetter): [Buffer, Buffer][] =>
  [...headers].flatMap(([name, value]): [Buffer, Buffer][] =>
    // The library writes a value that is null, its type leaves that out.
    name === null || isLetterHeader(name) ? [] : [[name, value!]],
  )

const leftOutOf = (letter: DeadLetter, cut: readonly LetterPart[]): LetterPart[] => {
  const nameless: LetterPart[] = letter.headers.keys().some((name) => name === null) ? ['headers'] : []
  const leftOut = new Set([...(letter.leftOut ?? []), ...nameless, ...cut])
  return letterParts.filter((part) => leftOut.has(part))
}

const isRoot = ([name, value]: [Buffer, Buffer | null]): boolean =>
  name.toString() === redrivenFrom && value !== null && value.length <= rootMax

const headersOf = (letter: DeadLetter, { cuts, keyed }: LetterForm): Map<Buffer, Buffer> => {
  const { topic, partition, offset } = letter.source
  const cut = cuts[0]!
  const added: Record<string, string> = {
    [letterHeaders.id]: letterId(letter),
    [letterHeaders.disposition]: letter.disposition,
    [letterHeaders.reason]: reasonOf(letter, cut),
    [letterHeaders.legs]: letter.legs.join(','),
    [letterHeaders.topic]: topic,
    [letterHeaders.partition]: String(partition),
    [letterHeaders.offset]: String(offset),
    [letterHeaders.leftOut]: leftOutOf(letter, cut).join(','),
    ...(keyed ? { [letterHeaders.added]: 'key' } : {}),
  }
  const own = ownHeaders(letter)
  const kept = cut.includes('headers') ? own.filter((header) => isRoot(header)) : own
  return new Map([
    ...kept,
    ...Object.entries(added).map(([name, text]) => [Buffer.from(name), headerText(text)] as [Buffer, Buffer]),
  ])
}

export const letterRecord = (letter: DeadLetter, form: LetterForm): OutRecord => {
  const cut = form.cuts[0]!
  const key = form.keyed ? Buffer.from(letterId(letter)) : cut.includes('key') ? null : letter.key
  return {
    ...(key === null ? {} : { key }),
    // A tombstone stays one: the library writes null, but its strict mode wants the member named.
    value: (cut.includes('value') ? null : letter.value)!,
    headers: headersOf(letter, form),
    timestamp: form.stamps[0]!,
  }
}
