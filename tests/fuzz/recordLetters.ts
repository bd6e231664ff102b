// Checks the dead-letter topic: a letter for each record that must have one and none for another, with the reason and the bytes,
// the key and the headers of the record; a letter may lack a part only if the record is too large for it.

import type { Received } from '../support/kafka.ts'
import type { Expectation } from './expectedLedger.ts'
import type { Header } from './records/batch.ts'
import { placeOf, type Entry } from './records/journal.ts'
import type { TradeComplaint } from './tradeTables.ts'

/** Beyond this a letter may pass the limit of its topic (1 MiB). */
const wholeBytesMax = 900_000
/** In a batch each header takes a few bytes more than its texts. */
const bytesPerHeader = 8
const added = /^x-(dead-letter-id|disposition|reason|legs|original-(topic|partition|offset)|left-out|added)$/

const sizeOf = ({ record: { key, value, headers } }: Entry): number =>
  (key?.length ?? 0) +
  (value?.length ?? 0) +
  headers.reduce((sum, [name, value]) => sum + (name?.length ?? 0) + (value?.length ?? 0) + bytesPerHeader, 0)

/** A header without a value may become one with an empty value. */
const headerText = ([name, value]: Header): string =>
  `${name?.toString('latin1') ?? ''}=${value?.toString('latin1') ?? ''}`

const isAdded = ([name]: Header): boolean => added.test(name?.toString('latin1') ?? '')

const keepable = (headers: readonly Header[]): string =>
  headers
    .filter((header) => !isAdded(header))
    .map(headerText)
    .join('\n')

const same = (found: Buffer | null, expected: Buffer | null): boolean =>
  found === null || expected === null ? found === expected : found.equals(expected)

const faultOf = (letter: Received, entry: Entry, dispositions: readonly string[]): string | null => {
  const { record } = entry
  const disposition = letter.headers['x-disposition'] ?? 'none'
  if (!dispositions.includes(disposition)) return `a dead letter is ${disposition}, not ${dispositions.join(' or ')}`
  if ((letter.headers['x-reason'] ?? '') === '') return 'a dead letter gives no reason'
  if (sizeOf(entry) > wholeBytesMax) return null
  if (!same(letter.bytes, record.value)) return 'a dead letter has other bytes'
  // A compacted topic wants a key.
  if (record.key !== null && letter.key !== record.key.toString()) return 'a dead letter has another key'
  return keepable(letter.headerEntries) === keepable(record.headers) ? null : 'a dead letter has other headers'
}

const sourceOf = (letter: Received): string => letter.headers['x-dead-letter-id']?.split('-').slice(-2).join('-') ?? ''

export const recordLetterFaults = (
  letters: readonly Received[],
  expected: Expectation['letters'],
  entries: ReadonlyMap<string, Entry>,
): TradeComplaint[] => {
  const bySource = Map.groupBy(letters, sourceOf)
  const missing = [...expected.keys()].filter((at) => !bySource.has(at))
  const wrong = [...bySource].flatMap(([at, own]): TradeComplaint[] => {
    const [entry, wanted] = [entries.get(at), expected.get(at)]
    if (entry?.state === 'unreadable') return []
    if (entry === undefined || wanted === undefined) return [{ what: 'a dead letter that nobody expects', at }]
    const fault = own.map((letter) => faultOf(letter, entry, wanted.dispositions)).find((fault) => fault !== null)
    return fault === undefined || fault === null ? [] : [{ what: fault, at }]
  })
  return [...missing.map((at) => ({ what: 'a record is neither stored nor on the dead-letter topic', at })), ...wrong]
}

/** Nobody can read such a batch, so its letter says no more than its place. */
export const unreadableFaults = (letters: readonly Received[], entries: readonly Entry[]): TradeComplaint[] => {
  const sources = new Map(letters.map((letter) => [sourceOf(letter), letter.headers['x-disposition']]))
  const unreadable = entries.filter(({ state }) => state === 'unreadable')
  return [...Map.groupBy(unreadable, ({ kind }) => kind).values()]
    .filter((batch) => !batch.some((entry) => sources.get(placeOf(entry)) === 'MALFORMED'))
    .map((batch) => ({ what: 'a batch that cannot be read has no dead letter', at: placeOf(batch[0]!) }))
}

export const entriesByPlace = (entries: readonly Entry[]): Map<string, Entry> =>
  new Map(entries.map((entry) => [placeOf(entry), entry]))
