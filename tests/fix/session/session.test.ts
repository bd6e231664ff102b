// Proves: numbers, deliveries and effects of a session, where QuickFIX's definitions do not look.

import { describe, expect, test } from 'bun:test'
import { decode, encode, readUtcTimestamp, utcTimestamp, valueOf, type Field } from '../../../src/fix/protocol/codec.ts'
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

describe('a connection to whose session somebody else logs on', () => {
  /** On at 0, with an interval of 30 s. */
  const watched = () => {
    let { state } = { state: begin().state() }
    return (input: SessionInput, atMs: number) => {
      const stepped = step(config, state, input, now + atMs)
      state = stepped.state
      return stepped.outputs.flatMap((output) =>
        output.kind === 'send' ? [decode(output.bytes)!.type] : output.kind === 'close' ? [output.reason] : [],
      )
    }
  }

  test('is asked for a sign of life, and is gone after 5 s without one', () => {
    const feed = watched()
    expect(feed({ kind: 'rival' }, 1_000)).toEqual(['1'])
    expect(feed({ kind: 'rival' }, 3_000)).toEqual([])
    expect(feed({ kind: 'tick' }, 5_999)).toEqual([])
    expect(feed({ kind: 'tick' }, 6_000)).toEqual(['HEARTBEAT_TIMEOUT'])
  })

  test('stays if it gives one', () => {
    const feed = watched()
    feed({ kind: 'rival' }, 1_000)
    const answer = encode(
      '0',
      [
        [34, '2'],
        [49, 'C'],
        [52, utcTimestamp(now)],
        [56, 'O'],
      ],
      [[112, 'TEST']],
    )
    feed({ kind: 'received', message: decode(answer)! }, 5_900)
    expect(feed({ kind: 'tick' }, 20_000)).toEqual([])
    // From then on as ever.
    expect(feed({ kind: 'tick' }, 5_900 + 36_000)).toEqual(['1'])
  })

  test('is not asked amid a resend: the question would come behind it', () => {
    const feed = watched()
    feed({ kind: 'received', message: decode(bytes('2', 2, everything))! }, 500)
    expect(feed({ kind: 'rival' }, 1_000)).toEqual([])
    expect(feed({ kind: 'tick' }, 6_000)).toEqual([])
  })
})

/** A logon with these fields instead of the usual ones; null: without them. */
const logonWith = (body: Field[], header: Partial<Record<number, string | null>> = {}): Uint8Array => {
  const usual: Record<number, string | null> = { 34: '1', 49: 'C', 52: utcTimestamp(now), 56: 'O', ...header }
  const fields = Object.entries(usual).flatMap(([tag, value]): Field[] =>
    value === null ? [] : [[Number(tag), value]],
  )
  return encode('A', fields, body)
}
const outputsOfLogon = (bytes: Uint8Array) => {
  const opened = step(config, sessionOf({ nextIn: 1, nextOut: 1 }), { kind: 'opened' }, now).state
  return step(config, opened, { kind: 'received', message: decode(bytes)! }, now).outputs
}
const usualLogon: Field[] = [
  [98, '0'],
  [108, '30'],
]

test.each(['', '.5', '.123', '.123456', '.123456789', '.123456789012'])(
  'times may have the fraction %p',
  (fraction) => {
    const time = `20260105-00:00:00${fraction}`
    expect(kinds(outputsOfLogon(logonWith(usualLogon, { 52: time })))).toEqual(['authenticate'])
    const session = begin()
    const timed = order.map(([tag, value]): Field => [tag, tag === 60 ? time : value])
    expect(kinds(session.receive(bytes('D', 2, timed)))).toEqual(['deliver'])
  },
)

test('a time is cut to its milliseconds', () => {
  expect(readUtcTimestamp('20260105-00:00:00.0019999')).toBe(now + 1)
  expect(readUtcTimestamp('20260105-00:00:00.5')).toBe(now + 500)
  for (const text of ['20260105-00:00:00.', '20260105-00:00:00.1234567890123', '20260105-00:00:00.1x'])
    expect(readUtcTimestamp(text)).toBeNaN()
})

test('a gap fill needs no OrigSendingTime; any other repetition does', () => {
  const fill: Field[] = [
    [123, 'Y'],
    [36, '9'],
  ]
  const session = begin()
  session.receive(bytes('D', 9, order))
  session.receive(bytes('4', 2, fill, [[43, 'Y']]))
  expect(session.state()).toMatchObject({ nextIn: 9 })
  expect(session.feed({ kind: 'continue' })).toMatchObject([{ kind: 'deliver', number: 9 }])
  // One that was taken in before is passed over without a word.
  expect(session.receive(bytes('4', 2, fill, [[43, 'Y']]))).toEqual([])
  const [, refusal] = begin().receive(bytes('D', 2, order, [[43, 'Y']])) as [SessionOutput, { bytes: Uint8Array }]
  expect(valueOf(decode(refusal.bytes)!.fields, 371)).toBe('122')
})

test.each([
  ['no Logon', bytes('0', 1, []), 'the first message is no Logon'],
  ['a tag that FIX 4.4 does not have', logonWith([...usualLogon, [9479, '1']]), '9479: Invalid tag number'],
  ['no HeartBtInt', logonWith([[98, '0']]), '108: Required tag missing'],
  ['no number', logonWith(usualLogon, { 34: null }), '34: Required tag missing'],
  ['the number 0', logonWith(usualLogon, { 34: '0' }), '34 (MsgSeqNum) is not 1 or more'],
  [
    'a reset at 5',
    logonWith([...usualLogon, [141, 'Y']], { 34: '5' }),
    '34 (MsgSeqNum) is not 1, and 141 (ResetSeqNumFlag) is Y',
  ],
  [
    'a wrong clock',
    logonWith(usualLogon, { 52: utcTimestamp(now - 7_200_000) }),
    '52 (SendingTime) and the clock of this service differ by 7200 s: more than 120',
  ],
  [
    'encryption',
    logonWith([
      [98, '1'],
      [108, '30'],
    ]),
    '98 (EncryptMethod) is not 0',
  ],
  [
    'too long an interval',
    logonWith([
      [98, '0'],
      [108, '7200'],
    ]),
    '108 (HeartBtInt) is not from 1 to 3600',
  ],
])('why a logon with %s is closed stands in the log, and is told to nobody', (_, logon, detail) => {
  expect(outputsOfLogon(logon)).toEqual([{ kind: 'close', reason: 'LOGON_INVALID', detail }])
})
