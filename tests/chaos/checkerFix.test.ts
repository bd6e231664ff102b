// Proves: the checker finds every kind of violation in what firms were told in their sessions of FIX, in a world with that one corruption; and it
// lets pass what a session may do.

import { describe, expect, test } from 'bun:test'
import { check } from './checker/check.ts'
import type { FixFields, FixLine, FixViolationKind, LogLine, ViolationKind } from './checker/evidence.ts'
import { ids, sample, type Sample } from './checker/sample.ts'

const kindsIn = (world: Sample): ViolationKind[] => [...new Set(check(world).violations.map(({ kind }) => kind))]

const head = { 8: 'FIX.4.4', 49: 'ORDERS', 52: '20260102-03:04:05.000', 56: 'DESK' }
const report = (number: number, version: number, fields: FixFields): FixLine => ({
  received: {
    ...head,
    35: '8',
    34: String(number),
    37: ids.buy,
    17: `${ids.buy}.${version}`,
    11: 'key-1',
    55: 'AAPL',
    54: '1',
    38: '10',
    ...fields,
  },
})

/** The order `buy` came through the session `desk`, which was told of its three events and of one status. */
const fixWorld = (): Sample & { lines: FixLine[] } => {
  const world = sample()
  const fix = { session: 'desk', key: 'key-1' }
  world.streams = []
  world.log = world.log.map((line) =>
    'op' in line && line.op === 'place' && line.terms.userId === 'user-of-buy' ? { ...line, fix } : line,
  )
  world.orders = world.orders.map((order) =>
    order.id === ids.buy ? { ...order, origin: 'fix:desk', requestId: 'key-1', subject: 'user-of-buy' } : order,
  )
  const lines = [
    { sent: 2, type: 'D', key: 'key-1' },
    report(2, 0, { 150: '0', 39: '0', 14: '0', 151: '10', 6: '0' }),
    report(3, 1, { 150: 'F', 39: '1', 14: '4', 151: '6', 6: '1.5', 32: '4', 31: '1.5', 527: 'T1' }),
    { sent: 3, type: 'D', key: 'key-1' },
    { received: { ...head, 35: '8', 34: '4', 37: ids.buy, 17: '0', 11: 'key-1', 150: 'I' } },
    report(5, 2, { 150: 'F', 39: '2', 14: '10', 151: '0', 6: '1.5', 32: '6', 31: '1.5', 527: 'T4' }),
  ]
  world.fix = [{ session: 'desk', lines, drained: true }]
  return Object.assign(world, { lines })
}
type World = ReturnType<typeof fixWorld>

const changed = (line: FixLine, fields: Record<string, string>): FixLine =>
  'received' in line ? { received: { ...line.received, ...fields } } : line

const corruptions: Record<FixViolationKind, Record<string, (world: World) => void>> = {
  FIX_REPORT_MISSING: {
    'the last fill was not reported': ({ lines }) => void lines.pop(),
    'an order of which nothing came': ({ lines }) => void lines.splice(0),
  },
  FIX_REPORT_TWICE: {
    'a fill came with two numbers': ({ lines }) => void lines.push(changed(lines[2]!, { 34: '6' })),
  },
  FIX_REPORT_ORDER: {
    'a fill was left out': ({ lines }) => void lines.splice(2, 1),
    'two fills the other way round': ({ lines }) => {
      lines[2] = changed(lines[2]!, { 34: '5' })
      lines[5] = changed(lines[5]!, { 34: '3' })
    },
  },
  FIX_REPORT_FROM_NOWHERE: {
    'an event that is not in the log': ({ lines }) =>
      void lines.push(changed(lines[5]!, { 34: '6', 17: `${ids.buy}.3` })),
    'an order of another door': ({ lines }) =>
      void lines.push(changed(lines[1]!, { 34: '6', 17: `${ids.sell}.0`, 37: ids.sell })),
    'an order that is not there': ({ lines }) =>
      void lines.push(changed(lines[1]!, { 34: '6', 17: `${ids.stranger}.0`, 37: ids.stranger })),
  },
  FIX_REPORT_DIFFERS: Object.fromEntries(
    Object.entries({
      14: '5',
      151: '5',
      6: '1.25',
      32: '3',
      31: '2',
      39: '2',
      150: '0',
      11: 'key-2',
      41: 'key-1',
      527: 'T2',
      54: '2',
    }).map(([tag, value]) => [
      `a fill with another ${tag}`,
      ({ lines }: World) => void (lines[2] = changed(lines[2]!, { [tag]: value })),
    ]),
  ),
  FIX_RESENT_DIFFERS: {
    'a number that came again as another fill': ({ lines }) =>
      void lines.push(changed(lines[2]!, { 43: 'Y', 32: '5' })),
  },
  FIX_UNANSWERED: {
    'an order that was asked for again, and nobody answered': ({ lines }) => void lines.splice(4, 1),
    'a cancel without an answer': ({ lines }) => void lines.push({ sent: 4, type: 'F', key: 'cancel-1' }),
  },
  FIX_ANSWERED_TWICE: {
    'a status that nobody asked for': ({ lines }) => void lines.push(changed(lines[4]!, { 34: '6' })),
    'an order that the firm does not know': ({ lines }) => void lines.splice(0, 1),
  },
  FIX_NOT_DRAINED: {
    'a session that did not come to its end': (world) => (world.fix = [{ ...world.fix[0]!, drained: false }]),
  },
}

test('a world without a violation', () => {
  const { violations, counts } = check(fixWorld())
  expect(violations).toEqual([])
  expect(counts.fix).toEqual({ sessions: 1, sent: 2, reports: 3, otherAnswers: 1, resent: 0 })
})

for (const [kind, stories] of Object.entries(corruptions))
  describe(kind, () => {
    test.each(Object.entries(stories))('%s', (_, corrupt) => {
      const world = fixWorld()
      corrupt(world)
      expect(kindsIn(world)).toContain(kind as ViolationKind)
    })
  })

describe('what is lawful', () => {
  const lawful: Record<string, (world: World) => void> = {
    'a message that came again as it was': ({ lines }) =>
      void lines.push(changed(lines[2]!, { 43: 'Y', 52: '20260102-03:05:05.000', 122: '20260102-03:04:05.000' })),
    'a refusal by number': ({ lines }) => {
      lines.push({ sent: 4, type: 'D', key: 'key-9' })
      lines.push({ received: { ...head, 35: 'j', 34: '6', 45: '4', 372: 'D', 380: '4' } })
    },
    'an order whose number the firm did not keep': ({ lines }) =>
      void lines.unshift({ sent: 2, type: 'D', key: 'never-left' }),
  }
  test.each(Object.entries(lawful))('%s', (_, happen) => {
    const world = fixWorld()
    happen(world)
    expect(kindsIn(world)).toEqual([])
  })

  describe('the key of a cancel', () => {
    const withKey = (row: { key: string; session: string; orderId: string | null }): ViolationKind[] => {
      const world = fixWorld()
      const at = world.log.findIndex((line) => 'op' in line && line.op === 'cancel')
      world.log[at] = { ...world.log[at]!, fix: { session: 'desk', key: 'cancel-1' } } as LogLine
      world.keys.push({ userId: 'user-of-cancel', requestId: null, ...row })
      return kindsIn(world).filter((kind) => kind === 'KEY_DIFFERS')
    }
    test('that the firm sent', () => expect(withKey({ key: 'cancel-1', session: 'desk', orderId: null })).toEqual([]))
    test.each([
      ['that no firm sent', { key: 'cancel-2', session: 'desk', orderId: null }],
      ['that another session sent', { key: 'cancel-1', session: 'other', orderId: null }],
      ['of an order', { key: 'cancel-1', session: 'desk', orderId: ids.sell }],
    ])('but not one %s', (_, row) => expect(withKey(row)).toEqual(['KEY_DIFFERS']))
  })

  test('an acceptance whose session no firm used is not', () => {
    const world = fixWorld()
    world.log = world.log.map((line) => ('fix' in line ? { ...line, fix: { session: 'other', key: 'key-1' } } : line))
    expect(kindsIn(world)).toEqual(['LOG_CAUSE_DIFFERS'])
  })
})
