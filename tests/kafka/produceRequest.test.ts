// Proves: requests and answers of every version are as the library knows them, and the version is one that the brokers take.

import { expect, test } from 'bun:test'
import { produceV3, produceV5, produceV8, produceV9, Reader, ResponseError, Writer } from '@platformatic/kafka'
import { isFlexible, produceVersion, readAnswer, writeRequest, type Part } from '../../src/kafka/produceRequest.ts'
import { encodeBatch } from '../../src/kafka/records.ts'

const record = { key: 'K', value: 'V', headers: [], timestamp: 7n }
const part = (topic: string, partition: number): Part => ({ topic, partition, batch: encodeBatch([record]) })
const parts = [part('a', 0), part('b', 3), part('a', 2)]

const versions = [
  [3, produceV3],
  [5, produceV5],
  [8, produceV8],
  [9, produceV9],
] as const

test('a request is that of the library, but for the fields of a batch that it fills otherwise', () => {
  for (const [version, { createRequest }] of versions) {
    const messages = parts.map(({ topic, partition }) => ({
      topic,
      partition,
      key: Buffer.from('K'),
      value: Buffer.from('V'),
      headers: new Map(),
      timestamp: 7n,
    }))
    const [own, library] = [writeRequest(version, parts, 5_000), createRequest(-1, 5_000, messages)]
    // Leader epoch, checksum, producer epoch and sequence of a batch that has no producer id.
    const masked = (bytes: Buffer): string => {
      for (let at = bytes.indexOf(batchStart); at !== -1; at = bytes.indexOf(batchStart, at + 1)) {
        bytes.fill(0, at + 12, at + 16)
        bytes.fill(0, at + 17, at + 21)
        bytes.fill(0, at + 51, at + 57)
      }
      return bytes.toString('hex')
    }
    const batchStart = parts[0]!.batch.subarray(0, 12)
    expect({ version, request: masked(own.buffer) }).toEqual({ version, request: masked(library.buffer) })
  }
})

/** As a broker writes it. `fault`: that of the second partition. */
const answerOf = (version: number, fault: { code: number; ofRecord?: string; text?: string }): Reader => {
  const compact = isFlexible(version)
  const writer = Writer.create().appendArray(
    [
      {
        topic: 'a',
        own: [
          { partition: 0, code: 0 },
          { partition: 2, ...fault },
        ],
      },
      { topic: 'b', own: [{ partition: 3, code: 0 }] },
    ],
    (ofTopic, { topic, own }) => {
      ofTopic.appendString(topic, compact).appendArray(
        own,
        (ofPart, { partition, code, ...texts }) => {
          ofPart.appendInt32(partition).appendInt16(code).appendInt64(41n).appendInt64(-1n)
          if (version >= 5) ofPart.appendInt64(0n)
          if (version < 8) return
          const { ofRecord, text }: { ofRecord?: string; text?: string } = texts
          const records = ofRecord === undefined ? [] : [null, ofRecord]
          ofPart
            .appendArray(
              records,
              (w, reason, i) => void w.appendInt32(i).appendString(reason, compact),
              compact,
              compact,
            )
            .appendString(text ?? null, compact)
        },
        compact,
        compact,
      )
    },
    compact,
    compact,
  )
  writer.appendInt32(1_234)
  return Reader.from(compact ? writer.appendTaggedFields() : writer)
}

test('an answer is read partition by partition, with the words of the broker', () => {
  for (const [version, { parseResponse }] of versions) {
    const knowsWords = version >= 8
    const fault = { code: 10, text: 'too large', ofRecord: 'this one' }
    expect(readAnswer(version, answerOf(version, fault))).toEqual({
      parts: [
        { topic: 'a', partition: 0, code: 0, detail: null },
        { topic: 'a', partition: 2, code: 10, detail: knowsWords ? 'too large' : null },
        { topic: 'b', partition: 3, code: 0, detail: null },
      ],
      throttleMs: 1_234,
    })
    // The library reads the same bytes.
    expect(() => parseResponse(0, 0, version, answerOf(version, fault))).toThrow(ResponseError)
  }
  const [, second] = readAnswer(9, answerOf(9, { code: 87, ofRecord: 'record 1 is bad' })).parts
  expect(second).toEqual({ topic: 'a', partition: 2, code: 87, detail: 'record 1 is bad' })
})

test('the version is the newest that both sides know', () => {
  const of = (minVersion: number, maxVersion: number) => produceVersion([{ apiKey: 0, minVersion, maxVersion }])
  // Kafka 4.1, 3.5, an old Redpanda, one that is too old, one from the future; and no produce request at all.
  expect([of(0, 13), of(0, 9), of(0, 7), of(0, 2), of(10, 20)]).toEqual([9, 9, 7, null, null])
  expect(produceVersion([{ apiKey: 1, minVersion: 0, maxVersion: 13 }])).toBeNull()
})
