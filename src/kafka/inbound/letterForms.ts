// The forms in which a dead letter can be written: the full letter first, then what a broker may take if it refuses that. Pure.

import type { LetterDisposition } from '../../domain/leg.ts'
import type { Source } from '../../store/fills.ts'
import { coordinatesText } from '../../wire/coordinates.ts'
import type { Blame } from '../blame.ts'
import { messageBytesMax } from '../decoding.ts'
import { isLetterHeader, letterHeaders, letterParts, redrivenFrom, type LetterPart } from '../letterHeaders.ts'
import { headerName, noTime, type OutRecord } from '../records.ts'

export type DeadLetter = {
  source: Source
  /** The timestamp of the source message. Its broker took it, which says little about what another topic takes. */
  timestamp: bigint
  key: Buffer | null
  value: Buffer | null
  /** As received. Kafka's format allows a header without a value, and a careless publisher may leave out a name. */
  headers: ReadonlyMap<Buffer | null, Buffer | null>
  disposition: LetterDisposition
  reason: string
  /** The legs that the letter is about, such as `BUY:<order id>`; empty for a message that could not be decoded. */
  legs: readonly string[]
  /** Parts of the message that could not be read. */
  leftOut?: readonly LetterPart[]
}

/** The stamps and cuts that are still to be tried, the next one first. `idAsKey`: the letter's id is its key, because its message has none. */
export type LetterForm = {
  stamps: readonly bigint[]
  cuts: readonly (readonly LetterPart[])[]
  idAsKey: boolean
}

const textMax = 500
const rootMax = 300

/** Makes a header value that is one readable line, whatever the message contained. */
const headerText = (text: string): Buffer => Buffer.from(text.replace(/[^\x20-\x7e]/g, '?').slice(0, textMax))

/**
 * The timestamps to try. The first is never before that of the message, so that retention does not delete the letter at once if our
 * clock is far behind. Then our own time, then the message's, then none.
 */
const stampsOf = ({ timestamp }: DeadLetter, now: bigint): bigint[] => [
  ...new Set([timestamp > now ? timestamp : now, now, ...(timestamp < 0n ? [] : [timestamp]), noTime]),
]

/**
 * What to leave out, the smallest loss first: a message without headers can still be sent again, without a value only be looked up. A broker
 * that cannot even read a request does not refuse it, so what is larger than a message may be is no form at all.
 */
const cutsOf = (letter: DeadLetter): LetterPart[][] => {
  const { key, value, headers } = letter
  const present: readonly LetterPart[] = [
    ...(headers.size > 0 ? (['headers'] as const) : []),
    ...(value === null ? [] : (['value'] as const)),
    ...(key === null ? [] : (['key'] as const)),
  ]
  const all: readonly LetterPart[][] = [[], ['headers'], ['value'], ['headers', 'value'], ['headers', 'value', 'key']]
  const bytes = new Map(present.map((part) => [part, bytesOf(letter, part)]))
  const left = (cut: readonly LetterPart[]): number =>
    present.reduce((sum, part) => sum + (cut.includes(part) ? 0 : bytes.get(part)!), 0)
  const cuts = all
    .filter((cut) => left(cut) <= messageBytesMax)
    .map((cut) => cut.filter((part) => present.includes(part)))
  return cuts.filter((cut, n) => cuts.findIndex((other) => other.join() === cut.join()) === n)
}

export const firstForm = (letter: DeadLetter, now: Date): LetterForm => ({
  stamps: stampsOf(letter, BigInt(now.getTime())),
  cuts: cutsOf(letter),
  idAsKey: false,
})

const isKeyless = (letter: DeadLetter, { cuts, idAsKey }: LetterForm): boolean =>
  !idAsKey && (letter.key === null || cuts[0]!.includes('key'))

const cutMore = (form: LetterForm): LetterForm | null =>
  form.cuts.length > 1 ? { ...form, cuts: form.cuts.slice(1) } : null

/** The form to try after a refusal; null if none is left. */
export const nextForm = (letter: DeadLetter, form: LetterForm, blame: NonNullable<Blame>): LetterForm | null => {
  switch (blame) {
    case 'timestamp':
      return form.stamps.length > 1 ? { ...form, stamps: form.stamps.slice(1) } : null
    case 'size':
      return cutMore(form)
    case 'record':
      // A compacted topic takes no record without a key.
      return isKeyless(letter, form) ? { ...form, idAsKey: true } : cutMore(form)
  }
}

/** What the lengths of a header's name and value take in a record at most. */
const headerFrameBytes = 10

const bytesOf = (letter: DeadLetter, part: LetterPart): number => {
  switch (part) {
    case 'headers':
      return letter.headers
        .entries()
        .reduce((sum, [name, value]) => sum + headerFrameBytes + (name?.length ?? 0) + (value?.length ?? 0), 0)
    case 'value':
      return letter.value?.length ?? 0
    case 'key':
      return letter.key?.length ?? 0
  }
}

/** The approximate size of the letter's record in bytes. */
export const letterBytes = (letter: DeadLetter): number =>
  bytesOf(letter, 'headers') + bytesOf(letter, 'value') + bytesOf(letter, 'key') + 2 * textMax

export const letterId = ({ source }: DeadLetter): string => coordinatesText(source)

/** The reason for a person; a program reads `x-left-out` instead. */
const reasonOf = (letter: DeadLetter, cut: readonly LetterPart[]): string =>
  cut.length === 0
    ? letter.reason
    : `${letter.reason}; left out: ${cut.map((part) => `${part} (${bytesOf(letter, part)} bytes)`).join(', ')}`

type Header = readonly [name: Buffer, value: Buffer | null]

/** The message's headers, without those that cannot be written and those that an earlier letter added. */
const ownHeaders = ({ headers }: DeadLetter): Header[] =>
  [...headers].flatMap(([name, value]): Header[] => (name === null || isLetterHeader(name) ? [] : [[name, value]]))

const leftOutOf = (letter: DeadLetter, cut: readonly LetterPart[]): LetterPart[] => {
  const nameless: LetterPart[] = letter.headers.keys().some((name) => name === null) ? ['headers'] : []
  const leftOut = new Set([...(letter.leftOut ?? []), ...nameless, ...cut])
  return letterParts.filter((part) => leftOut.has(part))
}

const isRoot = ([name, value]: Header): boolean =>
  name.toString() === redrivenFrom && value !== null && value.length <= rootMax

const headersOf = (letter: DeadLetter, { cuts, idAsKey }: LetterForm): OutRecord['headers'] => {
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
    ...(idAsKey ? { [letterHeaders.added]: 'key' } : {}),
  }
  const own = ownHeaders(letter)
  const rest = cut.includes('headers') ? own.filter((header) => isRoot(header)) : own
  return [
    ...rest.map(([name, value]) => [headerName(name), value] as const),
    ...Object.entries(added).map(([name, text]) => [headerName(name), headerText(text)] as const),
  ]
}

export const letterRecord = (letter: DeadLetter, form: LetterForm): OutRecord => {
  const cut = form.cuts[0]!
  const key = form.idAsKey ? Buffer.from(letterId(letter)) : cut.includes('key') ? null : letter.key
  return {
    key,
    value: cut.includes('value') ? null : letter.value,
    headers: headersOf(letter, form),
    timestamp: form.stamps[0]!,
  }
}
