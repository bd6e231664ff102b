// Proves: the checker finds nothing in a world with halts, voids, batches, cancels of many and switches where everything is right, and finds
// every kind of violation of them in a world with that one corruption.

import { describe, expect, test } from 'bun:test'
import { check } from './checker/check.ts'
import type { ControlViolationKind } from './checker/controlEvidence.ts'
import type { Answer, ViolationKind } from './checker/evidence.ts'
import { timeAt, type Sample } from './checker/sample.ts'
import { control, eventOf, sampleControl, termsOf } from './checker/sampleControl.ts'
import { lives } from './checker/sampleLives.ts'

const kindsIn = (evidence: Sample): ViolationKind[] => [...new Set(check(evidence).violations.map(({ kind }) => kind))]
const order = ({ orders }: Sample, id: string) => orders.find((each) => each.id === id)!
const answerTo = ({ log }: Sample, n: number): Answer =>
  log.find((line): line is Answer => 'answer' in line && line.answer === n)!
const say = (world: Sample, n: number, answer: Partial<Answer>): void => void Object.assign(answerTo(world, n), answer)
const unsay = (world: Sample, n: number): void => say(world, n, { status: 0, error: 'lost' })
const changeOf = ({ changes }: Sample, id: string) => changes.find(({ orderId }) => orderId === id)!
const sweep = ({ sweeps }: Sample, reason: string) => sweeps.find(({ reasonCode }) => reasonCode === reason)!
const key = ({ keys }: Sample, name: string) => keys.find((each) => each.key === `key-of-${name}`)!

/** Accepts the order that the halt refused, in this epoch. */
const accept = (world: Sample, rulesEpoch: bigint): void => {
  Object.assign(order(world, control.refused), { status: 'NEW', reasonCode: null, rulesEpoch })
  say(world, 52, { status: 202 })
  delete answerTo(world, 52).code
  delete answerTo(world, 52).reason
  world.placed.push(eventOf('refused', 20, null))
}

/** Opens an order again that was ended. */
const reopen = (world: Sample, id: string): void => {
  Object.assign(order(world, id), { status: 'NEW', version: 0, reasonCode: null })
  world.changes = world.changes.filter(({ orderId }) => orderId !== id)
}

/** Its switch fires a second time, one time-out after the first. */
const fireAgain = (world: Sample): void => {
  const first = sweep(world, 'CANCEL_AFTER')
  const later = (at: number | null): number => at! + 1_000
  const { dueAt, begunAt, doneAt } = first
  world.sweeps.push({ ...first, id: 'again', dueAt: later(dueAt), begunAt: later(begunAt), doneAt: later(doneAt) })
}

const corruptions: Record<ControlViolationKind, Record<string, (world: Sample) => void>> = {
  ACCEPTED_IN_HALT: {
    'sent after the answer of the halt': (world) => accept(world, 1n),
    'in an epoch in which its ticker is halted': (world) => {
      unsay(world, 51)
      accept(world, 2n)
    },
    'in an epoch in which all is halted': (world) => {
      world.rulesChanges[2]!.ticker = null
      order(world, control.massed).rulesEpoch = 4n
    },
    'without an epoch': (world) => (order(world, control.batch).rulesEpoch = null),
  },
  REJECTED_WRONGLY: {
    'in an epoch in which its ticker trades': (world) => (order(world, control.refused).rulesEpoch = 3n),
    'because of a rule that nobody made': (world) => (order(world, control.refused).reasonCode = 'TICK_SIZE'),
  },
  TRIGGERED_IN_HALT: {
    'in an epoch in which its ticker is halted': (world) => {
      world.rulesChanges[0]!.ticker = 'AAPL'
      changeOf(world, lives.stop).rulesEpoch = 2n
    },
    'without an epoch': (world) => (changeOf(world, lives.stop).rulesEpoch = null),
    'by a trade that was made in a halt': (world) => {
      for (const change of world.rulesChanges.slice(0, 2)) change.ticker = 'AAPL'
      world.rulesChanges[0]!.at = timeAt(29)
      world.rulesChanges[1]!.at = timeAt(31)
    },
  },
  RULES_CHANGE_DIFFERS: {
    'an answer without a change': (world) => (world.rulesChanges = world.rulesChanges.slice(0, 3)),
    'a change that nobody asked for': (world) => (world.rulesChanges[1]!.requestId = 'chaos-1'),
    'a change of another ticker': (world) => (world.rulesChanges[1]!.ticker = 'AAPL'),
    'a change of a request that was refused': (world) => say(world, 53, { status: 503 }),
    'a request with two changes': (world) => world.rulesChanges.push({ ...world.rulesChanges[3]!, epoch: 6n }),
    'a gap of epochs': (world) => (world.rulesChanges[3]!.epoch = 6n),
  },
  KEY_DIFFERS: {
    'an order without its key': (world) => (world.keys = world.keys.filter(({ orderId }) => orderId === null)),
    'a key of another order': (world) => (key(world, 'batch').orderId = control.massed),
    'a key with two rows': (world) => world.keys.push({ ...key(world, 'voided') }),
    'a key of no order': (world) =>
      world.keys.push({ userId: 'u', key: 'k', orderId: lives.stop, requestId: null, session: null }),
  },
  VOIDED_KEY_USED: {
    'an order has the key': (world) =>
      Object.assign(order(world, control.massed), { userId: 'user-of-voided', key: 'key-of-voided' }),
  },
  VOID_DIFFERS: {
    'done, and there is no row': (world) => (world.keys = world.keys.filter(({ orderId }) => orderId !== null)),
    'done, and the key has an order': (world) => (key(world, 'voided').orderId = control.batch),
    'answered with an order that has not the key': (world) => say(world, 54, { voided: false, orderId: control.batch }),
    'a void that nobody asked for': (world) =>
      world.keys.push({ userId: 'nobody', key: 'k', orderId: null, requestId: 'chaos-54', session: null }),
    'a void of a request that was refused': (world) => say(world, 54, { status: 503 }),
  },
  CANCELED_TWICE: {
    'two changes end the order': (world) =>
      world.changes.push({ ...changeOf(world, control.massed), version: 2, position: 90n }),
    'two mass cancels name the order, which ended otherwise': (world) => {
      const scope = { userId: 'user-of-massed', ticker: null, side: null }
      world.log.push({ sent: 70, op: 'mass', scope })
      world.log.push({ answer: 70, at: timeAt(70), status: 200, canceled: [control.massed], remaining: false })
      changeOf(world, control.massed).cause = { kind: 'mass-cancel', requestId: 'chaos-71' }
    },
  },
  CANCELED_LATER: {
    'sent after the answer of the mass cancel': (world) => {
      const at = world.log.findIndex((line) => 'sent' in line && line.sent === 56)
      const lines = world.log.splice(at, 2)
      world.log.splice(at + 2, 0, ...lines)
    },
    'placed after its switch had fired': (world) => (sweep(world, 'CANCEL_AFTER').begunAt = timeAt(57)),
    'placed after the halt had begun to cancel': (world) => (sweep(world, 'HALT').begunAt = timeAt(61)),
  },
  CANCEL_MISSED: {
    'a mass cancel left an order open': (world) => reopen(world, control.massed),
    'a mass cancel was over before': (world) => (changeOf(world, control.massed).at = timeAt(58)),
    'a switch left an order open': (world) => reopen(world, control.switched),
    'a halt left an order open': (world) => reopen(world, control.halted),
    'a sweep was done before': (world) => (sweep(world, 'HALT').doneAt = timeAt(63)),
  },
  SWITCH_EARLY: {
    'before its deadline': (world) => {
      sweep(world, 'CANCEL_AFTER').begunAt = timeAt(59)
    },
    'though it was armed anew before': (world) => {
      say(world, 59, { firesAt: timeAt(65) })
      sweep(world, 'CANCEL_AFTER').begunAt = timeAt(66)
    },
  },
  SWITCH_DIFFERS: {
    'it did not fire': (world) => (world.sweeps = world.sweeps.filter(({ reasonCode }) => reasonCode === 'HALT')),
    'it fired, and whoever came next was not told': (world) => delete answerTo(world, 61).fired,
    'it fired, and had been disarmed': (world) => {
      const disarmed = { kind: 'cancel-after', requestId: 'chaos-61' }
      world.sweeps.push({ ...sweep(world, 'CANCEL_AFTER'), id: '61', cause: disarmed })
    },
  },
  SWEEP_DIFFERS: {
    'it is not done': (world) => (sweep(world, 'HALT').doneAt = null),
    'nobody asked for it': (world) => (sweep(world, 'CANCEL_AFTER').cause = { kind: 'cancel-after', requestId: 'x' }),
    'it is of another user': (world) =>
      (sweep(world, 'CANCEL_AFTER').scope = { userId: 'x', ticker: null, side: null }),
    'there are two': (world) => world.sweeps.push({ ...sweep(world, 'HALT'), id: '9' }),
    'there are two of an arming that was answered at once': (world) => fireAgain(world),
    'there are two of a slow arming, closer together than its time-out': (world) => {
      fireAgain(world)
      answerTo(world, 59).at = timeAt(61)
      world.sweeps.at(-1)!.dueAt! -= 1
    },
    'a halt has none': (world) => (world.sweeps = world.sweeps.filter(({ reasonCode }) => reasonCode !== 'HALT')),
  },
}

test('a right world has no violation', () => {
  expect(check(sampleControl()).violations).toEqual([])
})

test('a slow arming, made again after its deadline, may fire again', () => {
  const world = sampleControl()
  fireAgain(world)
  answerTo(world, 59).at = timeAt(61)
  expect(check(world).violations).toEqual([])
})

test('a slow arming, made again after its deadline had fired, may be armed anew before the second one', () => {
  const world = sampleControl()
  say(world, 59, { firesAt: timeAt(62), fired: true })
  answerTo(world, 59).at = timeAt(60)
  delete answerTo(world, 61).fired
  expect(check(world).violations).toEqual([])
})

describe('the checker finds', () => {
  for (const [kind, cases] of Object.entries(corruptions))
    for (const [what, corrupt] of Object.entries(cases))
      test(`${kind}: ${what}`, () => {
        const world = sampleControl()
        corrupt(world)
        expect(kindsIn(world)).toContain(kind as ViolationKind)
      })
})

/** Of kinds that there were before. */
const more: readonly [ViolationKind, string, (world: Sample) => void][] = [
  ['WRONG_ANSWER', 'a 202 to an order that a rule refused', (world) => say(world, 52, { status: 202 })],
  ['WRONG_ANSWER', 'another reason than the order has', (world) => say(world, 52, { reason: 'TICK_SIZE' })],
  [
    'WRONG_ANSWER',
    'a key that is called void and is not',
    (world) => {
      world.log.push({ sent: 70, op: 'place', terms: { ...termsOf('voided'), key: 'another' } })
      world.log.push({ answer: 70, at: timeAt(70), status: 409, code: 'VOIDED' })
    },
  ],
  ['WRONG_ANSWER', 'a 400 to a mass cancel', (world) => say(world, 57, { status: 400 })],
  ['WRONG_ANSWER', 'a 404 to an arming', (world) => say(world, 61, { status: 404 })],
  [
    'WRONG_ANSWER',
    'a mass cancel found an order final that is open',
    (world) => say(world, 57, { notCanceled: [{ id: control.batch, orderStatus: 'FILLED' }] }),
  ],
  ['INTERNAL_ERROR', 'a 500 to a halt', (world) => say(world, 51, { status: 500 })],
  ['INTERNAL_ERROR', 'a 500 to a void', (world) => say(world, 54, { status: 500 })],
  ['CANCEL_LOST', 'a mass cancel names an order that is open', (world) => reopen(world, control.massed)],
  ['CANCEL_FROM_NOWHERE', 'a mass cancel of another user', (world) => (order(world, control.massed).userId = 'x')],
  ['CANCEL_FROM_NOWHERE', 'a mass cancel that was refused', (world) => say(world, 57, { status: 503 })],
  ['CANCEL_FROM_NOWHERE', 'a sweep that is not there', (world) => (world.sweeps = [])],
  [
    'ACKED_ORDER_MISSING',
    'an order of a batch',
    (world) => (world.orders = world.orders.filter(({ id }) => id !== control.batch)),
  ],
  [
    'ORDER_FROM_NOWHERE',
    'an order of a batch that was refused',
    (world) => say(world, 55, { results: [{ status: 503 }, { status: 409, code: 'VOIDED' }] }),
  ],
  [
    'EVENT_FROM_NOWHERE',
    'a placement of an order that a rule refused',
    (world) => {
      const placed = world.placed.at(-1)!
      world.placed.push({ ...placed, eventId: 'x', value: placed.value!.replace(control.halted, control.refused) })
    },
  ],
  [
    'LOG_CAUSE_DIFFERS',
    'a mass cancel by the clock',
    (world) => (changeOf(world, control.massed).cause = { kind: 'expiry' }),
  ],
]

describe('and in such a world', () => {
  for (const [kind, what, corrupt] of more)
    test(`${kind}: ${what}`, () => {
      const world = sampleControl()
      corrupt(world)
      expect(kindsIn(world)).toContain(kind)
    })
})

describe('does not cry wolf', () => {
  const quiet: Record<string, (world: Sample) => void> = {
    'a halt whose answer was lost forbids nothing that was sent before it is known': (world) => {
      unsay(world, 51)
      accept(world, 1n)
    },
    'a resumption that was sent long ago may end a halt at any time': (world) => {
      const resume = world.log.findIndex((line) => 'sent' in line && line.sent === 53)
      const [line] = world.log.splice(resume, 1)
      world.log.splice(
        world.log.findIndex((each) => 'sent' in each && each.sent === 51),
        0,
        line!,
      )
      accept(world, 3n)
    },
    'a halt of another ticker forbids nothing': (world) => (order(world, control.batch).rulesEpoch = 2n),
    'a mass cancel that says that some remain may leave some': (world) => {
      say(world, 57, { canceled: [], remaining: true })
      reopen(world, control.massed)
      world.audit = world.audit.filter(({ orderId }) => orderId !== control.massed)
      world.cancelled = world.cancelled.filter(({ value }) => !value!.includes(control.massed))
      order(world, control.massed).updatedAt = timeAt(56)
    },
    'a mass cancel whose answer was lost may have canceled': (world) => unsay(world, 57),
    'a void whose answer was lost may be one': (world) => unsay(world, 54),
    'of an arming whose answer was lost nobody knows whether it came in time': (world) => {
      unsay(world, 61)
      Object.assign(
        world.log.find((line) => 'sent' in line && line.sent === 61)!,
        { at: timeAt(59) },
      )
    },
  }
  for (const [what, happen] of Object.entries(quiet))
    test(what, () => {
      const world = sampleControl()
      happen(world)
      expect(check(world).violations).toEqual([])
    })
})
