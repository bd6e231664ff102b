// Proves: whatever a message holds that the session layer lets pass, it is answered, never thrown at; what it asks for is lawful, and no answer
// carries a character that could end a field.

import { expect, test } from 'bun:test'
import { acceptOrder } from '../../../src/domain/order.ts'
import { termsFaults } from '../../../src/domain/termFaults.ts'
import { fieldMissing, notAllowed } from '../../../src/fix/orders/businessReject.ts'
import { decodeOrder } from '../../../src/fix/orders/decodeOrder.ts'
import {
  contradiction,
  decodeCancel,
  decodeMassCancel,
  decodeStatusRequest,
} from '../../../src/fix/orders/decodeRequests.ts'
import type { Field, Message, Received } from '../../../src/fix/orders/fields.ts'
import { answerDuplicate, answerStatus, refuseOrder } from '../../../src/fix/orders/orderAnswers.ts'
import {
  cancelRefusal,
  cancelReject,
  massCancelRefusal,
  massCancelReport,
  replaceRefusal,
} from '../../../src/fix/orders/requestAnswers.ts'
import { someTerms } from '../../support/builders.ts'
import { userId } from '../../support/orderBody.ts'
import { randomStream, type Random } from '../../support/random.ts'
import { answering, now, options, session } from './someSession.ts'

const id = '01890000-0000-7000-8000-000000000001'
const held = { order: acceptOrder(someTerms({ userId, clientOrderId: 'X' }), { id, now }), origin: 'fix:desk' }

const tags = [1, 11, 15, 18, 21, 37, 38, 40, 41, 44, 54, 55, 58, 59, 60, 63, 99, 110, 111, 126, 432, 530, 790, 9999]
const likely: Readonly<Record<number, readonly string[]>> = {
  11: ['X', 'Y'],
  18: ['6'],
  37: [id, 'NONE'],
  38: ['100', '0.5', '007.'],
  40: ['1', '2', '3', '4'],
  41: ['X'],
  44: ['150.5'],
  54: ['1', '2'],
  55: ['AAPL', 'brk.b'],
  59: ['0', '1', '3', '4', '6'],
  99: ['1'],
  111: ['10'],
  126: ['20260131-21:00:00'],
  432: ['20260130'],
  530: ['1', '7'],
}
// A tag without a value is the session layer's.
const hostile = [
  ' ',
  '-',
  '.',
  '-0',
  '1e5',
  'NaN',
  'toString',
  '__proto__',
  'é',
  '\u0000',
  '\ud800',
  '|',
  '='.repeat(300),
  '9'.repeat(5_000),
  '\u2028',
  '٣',
]

const someValue = (random: Random, tag: number): string =>
  random.chance(0.93) && likely[tag] !== undefined ? random.pick(likely[tag]) : random.pick(hostile)

const someMessage = (random: Random): Received => {
  const type = random.pick(['D', 'D', 'D', 'F', 'G', 'H', 'q', 'E'])
  const usual = type === 'D' ? [11, 38, 40, 44, 54, 55, 59] : [11, 41, 54, 55, 530]
  const kept = usual.filter(() => random.chance(0.93))
  const more = Array.from({ length: Math.floor(random.skewed(5)) }, () => random.pick(tags))
  return {
    type,
    number: random.int(1, 1_000_000),
    possResend: random.chance(0.3),
    body: random.shuffle([...kept, ...more]).map((tag): Field => [tag, someValue(random, tag)]),
  }
}

const answersOf = (message: Received, lawful: { orders: number }): Message[] => {
  const by = session()
  const refused = notAllowed(message, by)
  if (refused !== null) return [refused]
  const requestOptions = { session: by, day: '20260102' }
  switch (message.type) {
    case 'D': {
      const decoded = decodeOrder(message, options())
      if (!decoded.ok) return [refuseOrder(message, decoded.faults, answering)]
      lawful.orders++
      expect(termsFaults(decoded.terms)).toEqual([])
      return [held, null].map((holder) => answerDuplicate(message, { terms: decoded.terms, holder }, by, answering))
    }
    case 'H': {
      const decoded = decodeStatusRequest(message, requestOptions)
      if (!decoded.ok) return [fieldMissing(message, decoded.missing)]
      return [held, null].map((found) => answerStatus(decoded, found, by, now))
    }
    case 'q': {
      const decoded = decodeMassCancel(message, requestOptions)
      if (decoded.ok) return [massCancelReport(decoded.request, { canceled: 1, remaining: true }, answering)]
      return [
        'missing' in decoded ? fieldMissing(message, decoded.missing) : massCancelRefusal(decoded.refused, answering),
      ]
    }
    default: {
      const decoded = decodeCancel(message, requestOptions)
      if (!decoded.ok) return [fieldMissing(message, decoded.missing)]
      const { request } = decoded
      return [held, null].map((found) => {
        const contrary = found === null ? null : contradiction(request, found, by)
        const refusal =
          message.type === 'G'
            ? replaceRefusal(found)
            : cancelRefusal(found, { keyKnown: false, contradiction: contrary })
        return cancelReject(request, found, refusal, now)
      })
    }
  }
}

test.each([1, 2, 3, 4])('5,000 messages of the seed %i', (seed) => {
  const random = randomStream(seed, 'broken')
  const lawful = { orders: 0 }
  for (let n = 0; n < 5_000; n++) {
    const message = someMessage(random)
    // What the client wrote may stand in an answer as it came: the codec let it pass. All else is ours.
    const sent = new Set(message.body.map(([, value]) => value).concat(message.type))
    for (const { type, body } of answersOf(message, lawful)) {
      expect(['8', '9', 'j', 'r']).toContain(type)
      const ours = body.filter(
        ([tag, value]) => value === '' || (!/^[ -~]+$/.test(value) && !(sent.has(value) && tag !== 58)),
      )
      expect({ message, ours }).toEqual({ message, ours: [] })
      // A tag stands once.
      expect(new Set(body.map(([tag]) => tag)).size).toBe(body.length)
    }
  }
  expect(lawful.orders).toBeGreaterThan(50)
})
