// Proves: numbers, deliveries and effects of a session, where QuickFIX's definitions do not look.

import { expect, test } from 'bun:test'
import { decode, encode, utcTimestamp, valueOf, type Field } from '../../../src/fix/protocol/codec.ts'
import { dictionary } from '../../../src/fix/protocol/messages.ts'
import { createReader } from '../../../src/fix/protocol/reader.ts'
import { mayReceive, sessionOf, step } from '../../../src/fix/session/session.ts'
import { defaultLimits, type SessionInput, type SessionOutput } from '../../../src/fix/session/state.ts'

const now = Date.UTC(2026, 0, 5)
const limits = { ...defaultLimits, pendingMessages: 3, resendPage: 2 }
const config = { ours: 'O', theirs: 'C', resetOnLogon: false, dictionary, limits }

const bytes = (type: string, number: number, body: Field[], header: Field[] = []) =>
  encode(type, [[34, String(number)], ...header, [49, 'C'], [52, utcTimestamp(now)], [56, 'O']], body)
const order: Field[] = [
  [11, 'id'],
  [55, 'ACME'],
  [54, '1'],
  [60, utcTimestamp(now)],
  [40, '1'],
  [38, '1'],
]
const possDup: Field[] = [
  [43, 'Y'],
  [122, utcTimestamp(now)],
]

const begin = (numbers = { nextIn: 1, nextOut: 1 }) => {
  let state = sessionOf(numbers)
  const feed = (input: SessionInput): readonly SessionOutput[] => {
    const stepped = step(config, state, input, now)
    state = stepped.state
    return stepped.outputs
  }
  const receive = (message: Uint8Array) => feed({ kind: 'received', message: decode(message)! })
  feed({ kind: 'opened' })
  receive(
    bytes('A', numbers.nextIn, [
      [98, '0'],
      [108, '30'],
    ]),
  )
  feed({ kind: 'authenticated', ok: true })
  feed({ kind: 'applied', number: numbers.nextIn })
  return { feed, receive, state: () => state }
}
const kinds = (outputs: readonly SessionOutput[]) => outputs.map(({ kind }) => kind)

test('delivered messages are pending until they are applied, and never delivered again', () => {
  const session = begin()
  for (const number of [2, 3, 4]) expect(kinds(session.receive(bytes('D', number, order)))).toEqual(['deliver'])
  expect(session.state()).toMatchObject({ nextIn: 5, applied: 2, pending: 3 })
  expect(mayReceive(session.state(), config)).toBe(false)
  expect(session.receive(bytes('D', 3, order, possDup))).toEqual([])
  session.feed({ kind: 'applied', number: 2 })
  expect(session.state()).toMatchObject({ applied: 3, pending: 2 })
  expect(mayReceive(session.state(), config)).toBe(true)
})

test('what comes behind a gap waits for it', () => {
  const session = begin()
  expect(kinds(session.receive(bytes('D', 3, order)))).toEqual(['record', 'send'])
  expect(kinds(session.receive(bytes('D', 2, order, possDup)))).toEqual(['deliver', 'continue'])
  expect(session.feed({ kind: 'continue' })).toMatchObject([{ kind: 'deliver', number: 3 }])
})

test('every message is recorded before it is sent', () => {
  const session = begin()
  expect(kinds(session.receive(bytes('1', 2, [[112, 'X']])))).toEqual(['record', 'send'])
})

const report = (number: number) => ({
  number,
  bytes: encode(
    '8',
    [
      [34, String(number)],
      [52, 'x'],
    ],
    [[37, 'id']],
  ),
})
const everything: Field[] = [
  [7, '1'],
  [16, '0'],
]

test('a resend goes page by page, and what is numbered meanwhile goes out behind it', () => {
  const session = begin({ nextIn: 1, nextOut: 4 })
  expect(session.receive(bytes('2', 2, everything)).at(-1)).toEqual({ kind: 'resend', from: 1, to: 4, limit: 2 })
  expect(kinds(session.feed({ kind: 'send', messages: [{ type: '8', body: [[37, 'new']] }] }))).toEqual(['record'])
  const first = session.feed({ kind: 'resent', from: 1, to: 2, messages: [report(2)] })
  expect(kinds(first)).toEqual(['send', 'send', 'resend'])
  const gap = decode((first[0] as { bytes: Uint8Array }).bytes)!
  expect([gap.type, valueOf(gap.fields, 34), valueOf(gap.fields, 36)]).toEqual(['4', '1', '2'])
  const second = session.feed({ kind: 'resent', from: 3, to: 4, messages: [report(3)] })
  expect(second.at(-1)).toEqual({ kind: 'resend', from: 5, to: 5, limit: 2 })
  expect(kinds(session.feed({ kind: 'resent', from: 5, to: 5, messages: [report(5)] }))).toEqual(['send'])
  expect(session.state().resend).toBeNull()
})

test('a page that was asked for before the numbers began again leads to no number that was not given', () => {
  const session = begin({ nextIn: 1, nextOut: 400 })
  const [, asked] = session.receive(bytes('2', 2, everything))
  expect(asked).toEqual({ kind: 'resend', from: 1, to: 400, limit: 2 })
  session.receive(
    bytes('A', 1, [
      [98, '0'],
      [108, '30'],
      [141, 'Y'],
    ]),
  )
  session.receive(bytes('2', 2, everything))
  const sent = session.feed({ kind: 'resent', from: 1, to: 400, messages: [] })
  const gap = decode((sent[0] as { bytes: Uint8Array }).bytes)!
  expect([gap.type, valueOf(gap.fields, 34), valueOf(gap.fields, 36)]).toEqual(['4', '1', '2'])
  expect(session.state()).toMatchObject({ nextOut: 2, resend: null })
})

test('data may contain the end of a field, and a message in chunks of one byte is one message', () => {
  const message = bytes('5', 2, [
    [354, '3'],
    [355, 'a\u0001b'],
  ])
  const reader = createReader()
  const reads = [...message].flatMap((byte) => reader.push(Uint8Array.of(byte)))
  expect(reads).toHaveLength(1)
  expect(reads[0]).toMatchObject({ kind: 'message', message: { type: '5' } })
})

test('a wrong password is told nothing', () => {
  const opened = step(config, sessionOf({ nextIn: 1, nextOut: 1 }), { kind: 'opened' }, now).state
  const logon = decode(
    bytes('A', 1, [
      [98, '0'],
      [108, '30'],
      [554, 'wrong'],
    ]),
  )!
  const asked = step(config, opened, { kind: 'received', message: logon }, now)
  expect(asked.outputs).toEqual([{ kind: 'authenticate', username: null, password: 'wrong' }])
  const refused = step(config, asked.state, { kind: 'authenticated', ok: false }, now)
  expect(refused.outputs).toEqual([{ kind: 'close', reason: 'LOGON_REFUSED' }])
})
