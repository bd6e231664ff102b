// The dead-letter topic: messages that cannot be decoded or name an unknown order, with the bytes as received and the reason in
// headers. Sent at least once, acknowledged before the source's offset moves; repeats carry the same x-dead-letter-id.

import { findErrorBy } from './library.ts'
import { sleep } from '../app/sleep.ts'
import { keyHash } from '../domain/murmur2.ts'
import { describe, type Log } from '../log.ts'
import type { Source } from '../store/fills.ts'
import type { RawMessage, RawProducer } from './client.ts'

export type DeadLetter = {
  source: Source
  /** The source message's: its broker took it. */
  timestamp: bigint
  key: Buffer | null
  value: Buffer | null
  headers: RawMessage['headers']
  disposition: 'MALFORMED' | 'UNKNOWN_ORDER'
  reason: string
  /** Which legs: `BUY:<order id>`; empty for a message that could not be decoded. */
  legs: readonly string[]
}

export type DeadLetters = {
  /** Resolves when all are acknowledged. Tries until then; gives up only when `signal` is aborted, by throwing. */
  send: (letters: readonly DeadLetter[], signal: AbortSignal) => Promise<void>
}

const retryPauseMs = 500
const requestMax = 200
const textMax = 500

/** Header values stay one readable line whatever the message said. */
const headerText = (text: string): Buffer => Buffer.from(text.replace(/[^\x20-\x7e]/g, '?').slice(0, textMax))

const headersOf = (letter: DeadLetter): Map<Buffer, Buffer> => {
  const { topic, partition, offset } = letter.source
  const added = {
    'x-dead-letter-id': `${topic}-${partition}-${offset}`,
    'x-disposition': letter.disposition,
    'x-reason': letter.reason,
    'x-legs': letter.legs.join(','),
    'x-original-topic': topic,
    'x-original-partition': String(partition),
    'x-original-offset': String(offset),
  }
  const kept = [...letter.headers].flatMap(([name, value]): [Buffer, Buffer][] =>
    name === null || value === null || Object.hasOwn(added, name.toString()) ? [] : [[name, value]],
  )
  return new Map([
    ...kept,
    ...Object.entries(added).map(([name, value]) => [Buffer.from(name), headerText(value)] as [Buffer, Buffer]),
  ])
}

type Stamp = (letter: DeadLetter) => bigint

/** Never before its message, so that a clock that is far behind does not give it to retention at once. */
const ofNow =
  (now: () => Date): Stamp =>
  ({ timestamp }) => {
    const at = BigInt(now().getTime())
    return at > timestamp ? at : timestamp
  }
const ofSource: Stamp = ({ timestamp }) => timestamp

const isAbout = (error: unknown, fault: 'MESSAGE_TOO_LARGE' | 'INVALID_TIMESTAMP'): boolean =>
  findErrorBy(error as Error, 'apiId', fault) !== null

export const createDeadLetters = (
  producer: RawProducer,
  topic: string,
  { log, now }: { log: Log; now: () => Date },
): DeadLetters => {
  const attempt = async (letters: readonly DeadLetter[], stamp: Stamp): Promise<void> => {
    const { topics } = await producer.metadata({ topics: [topic] })
    const partitions = topics.get(topic)!.partitionsCount
    const messages = letters.map((letter) => ({
      topic,
      partition: letter.key === null ? letter.source.partition % partitions : keyHash(letter.key) % partitions,
      ...(letter.key === null ? {} : { key: letter.key }),
      // A tombstone stays one: the library writes null, but its strict mode wants the member named.
      value: letter.value!,
      headers: headersOf(letter),
      timestamp: stamp(letter),
    }))
    try {
      await producer.send({ messages })
    } catch (error) {
      if (isAbout(error, 'INVALID_TIMESTAMP') && stamp !== ofSource) {
        log.rarely('error', 'letters clock', 'the clock of this replica is wrong: a broker refuses it', describe(error))
        await attempt(letters, ofSource)
      } else if (!isAbout(error, 'MESSAGE_TOO_LARGE')) throw error
      else if (letters.length > 1) for (const letter of letters) await attempt([letter], stamp)
      else await attempt([shortened(letters[0]!, error)], stamp)
    }
  }

  /** With our headers a message may pass the topic's limit: better a letter that says where to look than a blocked partition. */
  const shortened = (letter: DeadLetter, error: unknown): DeadLetter => {
    const { topic: from, partition, offset } = letter.source
    if (letter.value === null && letter.key === null && letter.headers.size === 0) throw error
    const what = letter.value === null ? 'key and headers' : `value (${letter.value.length} bytes)`
    log.error('a dead letter is too large for its topic: a part of it is left out', {
      topic: from,
      partition,
      offset: String(offset),
      leftOut: what,
    })
    return {
      ...letter,
      ...(letter.value === null ? { key: null, headers: new Map() } : { value: null }),
      reason: `${letter.reason}; too large for this topic, left out: ${what}`,
    }
  }

  return {
    async send(letters, signal) {
      for (let i = 0; i < letters.length; i += requestMax) {
        for (;;) {
          try {
            await attempt(letters.slice(i, i + requestMax), ofNow(now))
            break
          } catch (error) {
            if (signal.aborted) throw error
            log.rarely('error', 'dead letters', 'dead letters cannot be sent; their partitions wait', describe(error))
            await sleep(retryPauseMs, signal)
          }
        }
      }
    },
  }
}
