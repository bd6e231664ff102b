// Proves: batches of one turn share a request; each partition has its own outcome; what may be repeated is repeated alone and is not
// overtaken; a late answer holds up nobody else.

import { describe, expect, test } from 'bun:test'
import { NetworkError, type Writer } from '@platformatic/kafka'
import { Reader } from '@platformatic/kafka'
import { createBatchProducer } from '../../src/kafka/batchProducer.ts'
import { PartitionUnavailable } from '../../src/kafka/blame.ts'
import type { Lane } from '../../src/kafka/brokerRequests.ts'
import { createLeaders, type MetadataClient } from '../../src/kafka/leaders.ts'
import type { PartAnswer } from '../../src/kafka/produceRequest.ts'
import { until } from '../support/until.ts'

type Request = {
  broker: number
  lane: number
  parts: { topic: string; partition: number; batch: string }[]
  /** Answers; a code for each `topic-partition`, 0 where there is none. `throttleMs`: see ProduceAnswer. */
  answer: (codes?: Record<string, number>, throttleMs?: number) => void
  fail: (error: Error) => void
}

const partsOf = (bytes: Buffer): Request['parts'] => {
  const reader = Reader.from(bytes)
  reader.readNullableString()
  reader.skip(6)
  return reader
    .readArray((ofTopic) => {
      const topic = ofTopic.readString()
      return ofTopic.readArray((ofPart) => ({
        topic,
        partition: ofPart.readInt32(),
        batch: ofPart.readBytes().toString(),
      }))
    })
    .flat()
}

/** A producer on a fake cluster. By default partition n is led by broker n % 2. The test answers the requests. */
const open = ({ lateMs = 60_000, requestTimeoutMs = 5_000 } = {}) => {
  const requests: Request[] = []
  const leaders = new Map<string, number | null>()
  let questions = 0
  let lanes = 0
  const closedLanes: number[] = []
  const metadata: MetadataClient['metadata'] = ({ topics: [topic] }) => {
    questions++
    if (topic === 'absent') return Promise.reject(new NetworkError('nobody knows'))
    const partitions = Array.from({ length: 4 }, (_, n) => {
      const leader = leaders.get(`${topic}-${n}`)
      return {
        leader: leader === null ? -1 : (leader ?? n % 2),
        leaderEpoch: 0,
        replicas: [],
        isr: [],
        offlineReplicas: [],
      }
    })
    return Promise.resolve({
      brokers: new Map([0, 1].map((id) => [id, { host: 'h', port: id, rack: null }])),
      topics: new Map([[topic!, { id: topic!, partitions, partitionsCount: 4, lastUpdate: 0 }]]),
    })
  }
  const openLane = (): Lane => {
    const lane = lanes++
    return {
      connection: ({ id: broker }) =>
        Promise.resolve({
          send(_key, _version, createPayload, _parse, _request, _response, callback) {
            const parts = partsOf((createPayload() as Writer).buffer)
            requests.push({
              broker,
              lane,
              parts,
              answer: (codes = {}, throttleMs = 0) => {
                const answers = parts.map(({ topic, partition }): PartAnswer => ({
                  topic,
                  partition,
                  code: codes[`${topic}-${partition}`] ?? 0,
                  detail: null,
                }))
                callback(null, { parts: answers, throttleMs } as never)
              },
              fail: (error) => callback(error),
            })
          },
        }),
      close: () => void closedLanes.push(lane),
    }
  }
  const producer = createBatchProducer({
    leaders: createLeaders({ metadata }),
    version: () => Promise.resolve(9),
    openLane,
    requestTimeoutMs,
    lateMs,
    close: () => Promise.resolve(),
  })
  const outcomes: string[] = []
  const send = (topic: string, partition: number, batch: string, once = false): Promise<void> =>
    producer.send({ topic, partition, batch: Buffer.from(batch), once }).then(
      () => void outcomes.push(batch),
      (error: Error) => void outcomes.push(`${batch}: ${(error as { apiId?: string }).apiId ?? error.name}`),
    )
  const nth = (n: number) => until(() => requests[n], { what: `request ${n}` })
  return { producer, send, requests, nth, outcomes, leaders, closedLanes, questions: () => questions }
}

const shown = ({ broker, parts }: Request) => [
  broker,
  parts.map(({ topic, partition, batch }) => `${topic}-${partition} ${batch}`),
]

describe('one turn', () => {
  test('is one request for each broker, over all topics', async () => {
    const { send, requests, nth, outcomes } = open()
    const sent = [send('a', 0, 'x'), send('a', 1, 'y'), send('b', 2, 'z'), send('a', 2, 'w')]
    await nth(1)
    expect(requests.map(shown)).toEqual([
      [0, ['a-0 x', 'a-2 w', 'b-2 z']],
      [1, ['a-1 y']],
    ])
    for (const request of requests) request.answer()
    await Promise.all(sent)
    expect(outcomes.toSorted()).toEqual(['w', 'x', 'y', 'z'])
  })

  test('is split where a request would become too large', async () => {
    const { send, nth, requests } = open()
    for (const partition of [0, 2]) void send('a', partition, 'x'.repeat(5_000_000))
    await nth(1)
    expect(requests.map(({ broker, parts }) => [broker, parts.length])).toEqual([[0, 1], [0, 1]]) // prettier-ignore
  })
})

describe('outcomes', () => {
  test('a refused partition fails alone and at once', async () => {
    const { send, nth, outcomes, requests } = open()
    const sent = [send('a', 0, 'bad'), send('a', 2, 'good')]
    ;(await nth(0)).answer({ 'a-0': 2 })
    await Promise.all(sent)
    expect(outcomes.toSorted()).toEqual(['bad: CORRUPT_MESSAGE', 'good'])
    expect(requests).toHaveLength(1)
  })

  test('a leader that moved is asked for, and its partition alone is repeated there', async () => {
    const { send, nth, outcomes, leaders, questions } = open()
    const sent = [send('a', 0, 'x'), send('a', 2, 'y')]
    const first = await nth(0)
    const before = questions()
    leaders.set('a-0', 1)
    first.answer({ 'a-0': 6 })
    const second = await nth(1)
    expect(outcomes).toEqual(['y'])
    expect(shown(second)).toEqual([1, ['a-0 x']])
    expect(questions()).toBe(before + 1)
    second.answer()
    await Promise.all(sent)
    expect(outcomes).toEqual(['y', 'x'])
  })

  test('a batch that is repeated is not overtaken by the next one of its partition; another partition goes on', async () => {
    const { send, nth, outcomes, requests } = open()
    const sent = [send('a', 0, '1'), send('a', 0, '2'), send('a', 0, '3')]
    ;(await nth(0)).fail(new NetworkError('connection closed'))
    sent.push(send('a', 2, 'other'))
    ;(await nth(1)).answer()
    for (let n = 2; n < 5; n++) (await nth(n)).answer()
    await Promise.all(sent)
    expect(outcomes).toEqual(['other', '1', '2', '3'])
    expect(requests.map((request) => shown(request)[1])).toEqual(['1', 'other', '1', '2', '3'].map((b) => [b === 'other' ? 'a-2 other' : `a-0 ${b}`])) // prettier-ignore
  })

  test('repetitions end with the time-out; `once` ends with the first error', async () => {
    const { send, requests, outcomes, nth } = open({ requestTimeoutMs: 400 })
    const answering = setInterval(() => {
      for (const request of requests) request.answer({ 'a-0': 7, 'a-1': 7 })
    }, 5)
    await Promise.all([send('a', 0, 'x'), send('a', 1, 'y', true)])
    clearInterval(answering)
    await nth(2)
    expect(outcomes).toEqual(['y: REQUEST_TIMED_OUT', 'x: REQUEST_TIMED_OUT'])
    expect(requests.filter(({ broker }) => broker === 1)).toHaveLength(1)
  })

  test('a partition without a leader waits for one, and holds up no other', async () => {
    const { send, nth, outcomes, leaders } = open()
    leaders.set('a-0', null)
    const sent = [send('a', 0, 'x'), send('a', 2, 'y')]
    ;(await nth(0)).answer()
    await until(() => outcomes.length === 1, { what: 'one outcome' })
    leaders.set('a-0', 1)
    ;(await nth(1)).answer()
    await Promise.all(sent)
    expect(outcomes).toEqual(['y', 'x'])
  })

  test('a partition that is gone, and a topic of which nobody knows, fail at once and alone', async () => {
    const { send, nth, outcomes, producer } = open()
    const sent = [send('a', 9, 'gone'), send('absent', 0, 'unknown'), send('a', 0, 'x')]
    ;(await nth(0)).answer()
    await Promise.all(sent)
    expect(outcomes.toSorted()).toEqual(['gone: PartitionUnavailable', 'unknown: PartitionUnavailable', 'x'])
    expect(producer.partitionsOf('absent')).rejects.toThrow(PartitionUnavailable)
    expect(await producer.partitionsOf('a')).toBe(4)
  })
})

describe('a late answer', () => {
  test('puts its partitions on lanes of their own, and those that follow on a new shared one', async () => {
    const { send, nth, outcomes, requests, closedLanes } = open({ lateMs: 150 })
    const sent = [send('a', 0, 'stuck'), send('a', 2, 'neighbour')]
    const first = await nth(0)
    const behind = send('b', 0, 'behind')
    await nth(4)
    // The late request again, each partition alone, and what waited behind it on its connection.
    const [, second, ...again] = requests as [Request, Request, ...Request[]]
    expect(shown(second)).toEqual([0, ['b-0 behind']])
    expect(second.lane).toBe(first.lane)
    expect(closedLanes).toEqual([first.lane])
    expect(again.map((request) => shown(request)[1]).toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([['a-0 stuck'], ['a-2 neighbour'], ['b-0 behind']]) // prettier-ignore
    expect(new Set(requests.map(({ lane }) => lane)).size).toBe(4)
    // An answer to the request that was given up changes nothing.
    first.answer({ 'a-0': 10 })
    for (const request of again) if (request.parts[0]!.batch !== 'stuck') request.answer()
    await behind
    expect(outcomes.toSorted()).toEqual(['behind', 'neighbour'])

    // The neighbour was answered in time and shares requests again; the stuck one does not, until it is.
    const [next, third] = [send('a', 2, 'next'), send('b', 0, 'third')]
    ;(await nth(5)).answer()
    expect(shown(requests[5]!)).toEqual([0, ['a-2 next', 'b-0 third']])
    await Promise.all([next, third])
    for (const request of again) if (request.parts[0]!.batch === 'stuck') request.answer()
    await sent[0]
    const alone = send('a', 0, 'alone')
    ;(await nth(6)).answer()
    await alone
    void send('a', 0, 'shared')
    void send('a', 2, 'shared too')
    expect(shown(await nth(7))).toEqual([0, ['a-0 shared', 'a-2 shared too']])
  })
})

describe('a broker whose quota was passed', () => {
  test('gets nothing until its time is over, and what is under way there is not late before; the others go on', async () => {
    const { send, nth, outcomes, requests } = open({ lateMs: 150 })
    const first = send('a', 0, 'first')
    await nth(0)
    const underWay = send('a', 2, 'under way')
    await nth(1)
    const since = performance.now()
    requests[0]!.answer({}, 500)
    await first
    const sent = [send('a', 0, 'next'), send('b', 0, 'too'), send('a', 1, 'other')]
    ;(await nth(2)).answer()
    expect(shown(requests[2]!)).toEqual([1, ['a-1 other']])
    const fourth = await nth(3)
    expect(performance.now() - since).toBeGreaterThan(450)
    expect(shown(fourth)).toEqual([0, ['a-0 next', 'b-0 too']])
    expect(fourth.lane).toBe(requests[0]!.lane)
    requests[1]!.answer()
    fourth.answer()
    await Promise.all([underWay, ...sent])
    expect(requests).toHaveLength(4)
    expect(outcomes).toEqual(['first', 'other', 'under way', 'next', 'too'])
  })

  test('keeps nobody waiting who closes', async () => {
    const { producer, send, nth, outcomes } = open()
    const first = send('a', 0, 'first')
    ;(await nth(0)).answer({}, 60_000)
    await first
    const held = send('a', 2, 'held')
    await Bun.sleep(20)
    await producer.close()
    await held
    expect(outcomes).toEqual(['first', 'held: Error'])
  })
})
