// Proves: what waits in memory is bounded in number and bytes, each partition keeps its order, and the stream goes on once there
// is room.

import { describe, expect, test } from 'bun:test'
import type { RawMessage } from '../../../src/kafka/client.ts'
import { createIntake } from '../../../src/kafka/inbound/intake.ts'

const createTap = () => {
  let paused = false
  return { pause: () => (paused = true), resume: () => (paused = false), isPaused: () => paused }
}

const message = (partition: number, offset: number, bytes = 10, headers = new Map<Buffer, Buffer | null>()) =>
  ({ partition, offset: BigInt(offset), key: null, value: Buffer.alloc(bytes), headers }) as unknown as RawMessage

const limits = { lanes: 2, messagesMax: 4, bytesMax: 1_000 }

describe('intake', () => {
  test('deals partitions out to lanes, each in its order', () => {
    const intake = createIntake(createTap(), limits)
    for (const [partition, offset] of [
      [0, 1],
      [1, 7],
      [0, 2],
      [2, 5],
    ] as const)
      intake.put(message(partition, offset))
    const places = intake.lanes.map((lane) =>
      intake.take(lane, 10).map((message) => `${message.partition}@${message.offset}`),
    )
    expect(places).toEqual([['0@1', '0@2', '2@5'], ['1@7']])
  })

  test('pauses the stream at its bound of messages and lets it go on at half', () => {
    const tap = createTap()
    const intake = createIntake(tap, limits)
    for (let offset = 0; offset < 4; offset++) intake.put(message(0, offset))
    expect(tap.isPaused()).toBe(true)
    intake.take(intake.lanes[0]!, 2)
    expect(tap.isPaused()).toBe(true)
    intake.take(intake.lanes[0]!, 1)
    expect(tap.isPaused()).toBe(false)
    expect(intake.queued()).toBe(1)
  })

  test('counts headers, which may be as large as values', () => {
    const tap = createTap()
    const intake = createIntake(tap, limits)
    intake.put(message(0, 1, 0, new Map([[Buffer.from('name'), Buffer.alloc(996)]])))
    expect(tap.isPaused()).toBe(true)
  })

  test('pauses the stream at its bound of bytes', () => {
    const tap = createTap()
    const intake = createIntake(tap, limits)
    intake.put(message(0, 0, 999))
    expect(tap.isPaused()).toBe(false)
    intake.put(message(0, 1, 1))
    expect(tap.isPaused()).toBe(true)
  })

  test('counts a tombstone, which has neither key nor value', () => {
    const intake = createIntake(createTap(), limits)
    intake.put({ ...message(0, 0), value: null })
    expect(intake.queued()).toBe(1)
  })

  test('forgets what waits of one partition, or all, and the stream goes on', () => {
    const tap = createTap()
    const intake = createIntake(tap, limits)
    for (const partition of [0, 2, 1, 0]) intake.put(message(partition, 7))
    expect(tap.isPaused()).toBe(true)
    intake.drop(0)
    expect([0, 1, 2].map((partition) => intake.holds(partition))).toEqual([false, true, true])
    expect(intake.queued()).toBe(2)
    intake.drop()
    expect(intake.queued()).toBe(0)
    expect(tap.isPaused()).toBe(false)
    intake.put(message(0, 8))
    expect(intake.take(intake.lanes[0]!, 5).map(({ offset }) => offset)).toEqual([8n])
  })
})
