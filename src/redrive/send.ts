// Sends dead letters to their topic again. Sending one twice, or one whose trade was applied meanwhile, applies nothing twice: the
// ledger's key is (order, trade), so the consumer compares the leg with the record and judges it DUPLICATE, CONFLICT or OVERFILL, and a leg
// that is in neither ledger nor exceptions was never applied. The key of reports is (order, report). So a run need not remember what earlier
// runs sent.

import type { BatchProducer } from '../kafka/batchProducer.ts'
import { blameOf, refusalText } from '../kafka/blame.ts'
import { letterOf, messageOf, targetOf, type Letter } from '../kafka/letters.ts'
import { inRequests, produce } from '../kafka/producer.ts'
import type { OutRecord } from '../kafka/records.ts'
import type { Span, TopicReader, TopicRecord } from '../kafka/topicReader.ts'
import { coordinatesText } from '../wire/coordinates.ts'
import { createLetterBook, type LetterBook, type Selected, type Selector } from './letterBook.ts'

export type RedriveOptions = {
  reader: TopicReader
  producer: BatchProducer
  /** Names of the topics: to which messages are sent, and where their letters are. */
  target: string
  deadLetters: string
  onProgress: (what: string, done: number, total: number | null) => void
  /** Called for each selected letter that cannot be sent, with the reason. */
  onFault: (id: string, reason: string) => void
  /** Called for each record that is not a letter of ours. */
  onForeign: (id: string) => void
}

type Ready = { rootId: string; message: OutRecord; bytes: number }
/**
 * The state that one run carries from chunk to chunk. `stopped`: partitions to which nothing more is sent, so that no letter overtakes
 * another.
 */
type Sending = { options: RedriveOptions; partitions: number; stopped: Set<number>; sent: number }

const chunkMax = 1_000

/** Reads all letters to the end that the topic has now. Records that are not letters of ours are reported and left alone. */
export const readLetters = async (options: RedriveOptions, selector: Selector): Promise<LetterBook> => {
  const { reader, deadLetters, onProgress, onForeign } = options
  const book = createLetterBook(selector)
  const spans = await reader.spans(deadLetters)
  const total = spans.reduce((sum, { start, end }) => sum + Number(end - start), 0)
  let done = 0
  await reader.read(deadLetters, spans, async (records) => {
    for (const record of records) {
      const letter = letterOf(record)
      if (letter === null) onForeign(coordinatesText(record))
      else book.add(letter)
    }
    done += records.length
    onProgress('records on the dead-letter topic', done, total)
  })
  return book
}

const placeText = (partition: number, offset: bigint): string => `${partition}-${offset}`

/** Reads the records of some letters again; deleted ones are absent. They lie close together, because they were written in order. */
const readAgain = async (
  { reader, deadLetters }: RedriveOptions,
  selected: readonly Selected[],
): Promise<Map<string, TopicRecord>> => {
  const places = new Set(selected.map(({ place }) => placeText(place.partition, place.offset)))
  const spans: Span[] = (await reader.spans(deadLetters)).map(() => ({ start: 0n, end: 0n }))
  for (const { place } of selected) {
    const span = spans[place.partition]!
    const isFirst = span.end === 0n
    if (isFirst || place.offset < span.start) span.start = place.offset
    if (place.offset >= span.end) span.end = place.offset + 1n
  }
  const found = new Map<string, TopicRecord>()
  await reader.read(deadLetters, spans, async (records) => {
    for (const record of records) {
      const at = placeText(record.partition, record.offset)
      if (places.has(at)) found.set(at, record)
    }
  })
  return found
}

/** The letters in chunks, with their records, in original order. */
async function* chunksOf(options: RedriveOptions, selected: readonly Selected[]) {
  for (let i = 0; i < selected.length; i += chunkMax) {
    const chunk = selected.slice(i, i + chunkMax)
    const records = await readAgain(options, chunk)
    yield chunk.flatMap(({ rootId, place }) => {
      const record = records.get(placeText(place.partition, place.offset))
      if (record !== undefined) return [{ rootId, record }]
      options.onFault(rootId, 'was deleted from the dead-letter topic meanwhile')
      return []
    })
  }
}

/** Prints what a run would send. */
export const describeSelected = async (
  options: RedriveOptions,
  selected: readonly Selected[],
  print: (rootId: string, letter: Letter) => Promise<void>,
): Promise<void> => {
  for await (const chunk of chunksOf(options, selected))
    for (const { rootId, record } of chunk) await print(rootId, letterOf(record)!)
}

/**
 * Sends once; returns the error, or null. If an answer was lost, the records may be on the topic all the same: for the ledger, a leg that
 * arrives twice is a duplicate.
 */
const trySend = async (
  { producer, target: topic }: RedriveOptions,
  partition: number,
  request: readonly Ready[],
): Promise<unknown> => {
  try {
    await produce(producer, { topic, partition, records: request.map(({ message }) => message) })
    return null
  } catch (error) {
    return error
  }
}

/** Sends one request. If the broker refuses a record of it, sends its halves, until the guilty record stands alone. */
const sendRequest = async (sending: Sending, partition: number, request: readonly Ready[]): Promise<void> => {
  const { onFault } = sending.options
  if (sending.stopped.has(partition)) {
    for (const { rootId } of request) onFault(rootId, 'not sent: an earlier one of its partition failed')
    return
  }
  const error = await trySend(sending.options, partition, request)
  if (error === null) sending.sent += request.length
  else if (blameOf(error) !== null && request.length > 1) {
    const half = request.length >> 1
    await sendRequest(sending, partition, request.slice(0, half))
    await sendRequest(sending, partition, request.slice(half))
  } else {
    if (blameOf(error) === null) sending.stopped.add(partition)
    for (const { rootId } of request) onFault(rootId, `could not be sent: ${refusalText(error)}`)
  }
}

/** Sends the letters, one request per partition at a time; returns how many a broker has acknowledged. */
export const sendSelected = async (options: RedriveOptions, selected: readonly Selected[]): Promise<number> => {
  const { length: partitions } = await options.reader.spans(options.target)
  const sending: Sending = { options, partitions, stopped: new Set(), sent: 0 }
  for await (const chunk of chunksOf(options, selected)) {
    const byPartition = Map.groupBy(chunk, ({ rootId, record }) => targetOf(record, rootId, partitions))
    const runs = byPartition.entries().map(async ([partition, letters]) => {
      const ready = letters.map(({ rootId, record }) => ({
        rootId,
        message: messageOf(record, rootId, new Date()),
        bytes: (record.value?.length ?? 0) + (record.key?.length ?? 0),
      }))
      for (const request of inRequests(ready, ({ bytes }) => bytes)) await sendRequest(sending, partition, request)
    })
    await Promise.all(runs)
    options.onProgress('letters sent', sending.sent, selected.length)
  }
  return sending.sent
}
