// Proves: a hundred thousand broken messages never make the session throw, never deliver what has a wrong checksum or length, and never anything twice.

import { expect, test } from 'bun:test'
import { encode, utcTimestamp, type Field } from '../../../src/fix/protocol/codec.ts'
import { dictionary } from '../../../src/fix/protocol/messages.ts'
import { createReader } from '../../../src/fix/protocol/reader.ts'
import { sessionOf, step } from '../../../src/fix/session/session.ts'
import { defaultLimits, type SessionInput, type SessionState } from '../../../src/fix/session/state.ts'
import { createRandom, type Random } from '../../support/random.ts'

const messages = 100_000
const config = { ours: 'O', theirs: 'C', resetOnLogon: false, dictionary, limits: defaultLimits }
const start = Date.UTC(2026, 0, 5)

/** Orders say in ClOrdID that they were not broken: only these may be delivered. */
const orderOf = (id: string, now: number): Field[] => [
  [11, id],
  [55, 'ACME'],
  [54, '1'],
  [60, utcTimestamp(now)],
  [40, '1'],
  [38, '1'],
]
const bodies = (random: Random, now: number): [string, Field[]] =>
  random.pick<[string, Field[]]>([
    ['0', []],
    ['1', [[112, 'X']]],
    [
      '2',
      [
        [7, String(random.int(0, 40))],
        [16, String(random.int(0, 40))],
      ],
    ],
    [
      '4',
      [
        [36, String(random.int(0, 60))],
        [123, random.pick(['Y', 'N'])],
      ],
    ],
    ['D', orderOf('whole', now)],
    ['D', orderOf('whole', now)],
    ['F', [[11, 'whole']]],
    ['8', [[11, 'x']]],
    ['*', []],
    ['3', [[45, '1']]],
  ])

/** Broken for certain: its bytes differ from what its checksum is of. */
const broken = (bytes: Uint8Array, random: Random): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  const at = random.below(copy.length)
  copy[at] = (copy[at]! + random.int(1, 255)) % 256
  return random.chance(0.2) ? copy.subarray(0, random.below(copy.length)) : copy
}

test('a hundred thousand broken messages', () => {
  const random = createRandom(17)
  let now = start
  let state: SessionState = sessionOf({ nextIn: 1, nextOut: 1 })
  let reader = createReader()
  const delivered = new Set<number>()
  const counts = { delivered: 0, closed: 0, rejected: 0 }
  const feed = (input: SessionInput): void => {
    const { state: next, outputs } = step(config, state, input, now)
    state = next
    for (const output of outputs) {
      if (output.kind === 'deliver') {
        counts.delivered += 1
        expect(output.message.fields.find(([tag]) => tag === 11)?.[1]).toBe('whole')
        expect(delivered.has(output.number)).toBe(false)
        delivered.add(output.number)
        feed({ kind: 'applied', number: output.number })
      }
      if (output.kind === 'reset') delivered.clear()
      if (output.kind === 'authenticate') feed({ kind: 'authenticated', ok: true })
      if (output.kind === 'record' && output.nextIn !== null) feed({ kind: 'applied', number: output.nextIn - 1 })
      if (output.kind === 'record') counts.rejected += output.sent.filter(({ type }) => type === '3').length
      if (output.kind === 'resend') feed({ kind: 'resent', from: output.from, to: output.to, messages: [] })
      if (output.kind === 'continue') feed({ kind: 'continue' })
      if (output.kind === 'close') counts.closed += 1
    }
  }
  const receive = (bytes: Uint8Array) => {
    for (const read of reader.push(bytes))
      feed(read.kind === 'message' ? { kind: 'received', message: read.message } : { kind: 'garbled' })
  }
  const header = (number: number): Field[] => [
    [34, String(number)],
    [49, 'C'],
    [52, utcTimestamp(now)],
    [56, 'O'],
    ...(random.chance(0.2)
      ? ([
          [43, 'Y'],
          [122, utcTimestamp(now)],
        ] as const)
      : []),
  ]
  for (let sent = 0; sent < messages; sent += 1) {
    now += random.int(0, 100)
    if (state.phase === 'closed') {
      reader = createReader()
      feed({ kind: 'opened' })
      // Now and then a client begins the numbers again: they stay small, so that the requests mean something.
      const reset: Field[] = state.nextIn > 50 ? [[141, 'Y']] : []
      const number = reset.length > 0 ? 1 : state.nextIn
      receive(
        encode(
          'A',
          [
            [34, String(number)],
            [49, 'C'],
            [52, utcTimestamp(now)],
            [56, 'O'],
          ],
          [[98, '0'], [108, '30'], ...reset],
        ),
      )
    }
    const [type, body] = bodies(random, now)
    const number = random.chance(0.9) ? state.nextIn : Math.max(0, state.nextIn + random.int(-2, 5))
    const whole = encode(type, header(number), body)
    // Ids of what is broken say so where the break leaves them readable.
    const bytes = random.chance(0.5)
      ? whole
      : broken(
          encode(
            type,
            header(number),
            body.map(([tag, value]) => [tag, tag === 11 ? 'broken' : value] as const),
          ),
          random,
        )
    const cut = random.below(bytes.length + 1)
    receive(bytes.subarray(0, cut))
    receive(bytes.subarray(cut))
    if (random.chance(0.01)) feed({ kind: 'tick' })
    expect(state.applied).toBe(state.nextIn)
    expect(state.pending).toBe(0)
    expect(state.queue.size).toBeLessThanOrEqual(defaultLimits.queuedMessages)
    expect([...state.queue.keys()].every((queued) => queued >= state.nextIn)).toBe(true)
  }
  expect(counts.delivered).toBeGreaterThan(1000)
  expect(counts.closed).toBeGreaterThan(100)
  expect(counts.rejected).toBeGreaterThan(100)
}, 60_000)
