// Proves: `verify` names an event that differs from its order's row in any term that it carries, whatever its kind. It names no other
// event: neither one that agrees with the row, nor one that is older than a term which its order lacks.

import { afterAll, describe, expect, test } from 'bun:test'
import { eventKinds, type EventKind } from '../../src/domain/events.ts'
import type { Order } from '../../src/domain/order.ts'
import { eventTerms, type Term } from '../../src/domain/terms.ts'
import type { Malformed } from '../../src/kafka/decoding.ts'
import { eventHeaders } from '../../src/kafka/eventHeaders.ts'
import { encoders } from '../../src/kafka/schema.ts'
import { eventOrder } from '../../src/store/outbox.ts'
import { openSession } from '../../src/store/sql.ts'
import { decodeEvent } from '../../src/verify/decodeEvent.ts'
import { compareEvents, createVerifyTables, storeEvents, type TopicEvent } from '../../src/verify/eventsSql.ts'
import { aPlacement, newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { placeAll } from '../support/storeOrders.ts'

const { database, db } = await ownDatabase()
const session = openSession(database.target, 10_000)
afterAll(() => session.end({ timeout: 1 }))
await createVerifyTables(session)

const placements = { limit: aPlacement(), market: aPlacement({ type: 'MARKET', price: null, timeInForce: 'IOC' }) }
await placeAll(db, Object.values(placements), () => undefined)
const { order: limit } = placements.limit
const { order: market } = placements.market

/** The event of this kind, with these members changed, or left out where they are undefined. */
const decoded = (kind: EventKind, order: Order, changes: Record<string, unknown> = {}): TopicEvent | Malformed => {
  const value = {
    ...JSON.parse(encoders[kind]({ order: eventOrder(order), occurredAt: order.createdAt, ending: null })),
    ...changes,
  }
  return decodeEvent(kind, {
    topic: 'topic',
    publishedAtMs: 0,
    partition: 0,
    offset: 0n,
    key: Buffer.from(order.ticker),
    value: Buffer.from(JSON.stringify(value)),
    headers: [[Buffer.from(eventHeaders.eventId), Buffer.from(newId())]],
  })
}

/** The terms that differ from the order's row, by their columns. */
const wrongTerms = async (kind: EventKind, order: Order, changes: Record<string, unknown> = {}): Promise<string[]> => {
  const event = decoded(kind, order, changes)
  if ('malformed' in event) return [event.malformed]
  await storeEvents(session, [event])
  const rules = (await compareEvents(session, [event], 'topic')).map(({ rule }) => rule)
  // The order is open, and each event has an id of its own.
  return rules.filter((rule) => rule !== 'status_of_the_order')
}

/** Another lawful value of the same kind. */
const otherValue = ({ kind, values = [], name }: Term): unknown => {
  switch (kind) {
    case 'uuid':
      return crypto.randomUUID()
    case 'key':
      return 'another-key'
    case 'ticker':
      return 'OTHER'
    case 'choice':
      return values.find((value) => value !== limit[name])
    case 'amount':
      return '7.00000001'
    case 'flag':
      return true
    case 'instant':
      return '2026-02-01T00:00:00.000Z'
  }
}

for (const kind of eventKinds)
  describe(kind, () => {
    test('that says what the row says: no violation', async () => {
      for (const order of [limit, market]) expect(await wrongTerms(kind, order)).toEqual([])
    })

    for (const term of eventTerms(kind)) {
      test(`with another ${term.name}`, async () => {
        expect(await wrongTerms(kind, limit, { [term.name]: otherValue(term) })).toEqual([term.column])
      })

      if (term.presence === 'required')
        test(`without ${term.name}, which every order has`, async () => {
          const fault = `${term.name} is missing or of the wrong type`
          expect(await wrongTerms(kind, limit, { [term.name]: undefined })).toEqual([fault])
        })
      else
        test(`without ${term.name}: as if it said null, which is right of an order that has none`, async () => {
          for (const order of [limit, market]) {
            const wrong = order[term.name] === null ? [] : [term.column]
            expect(await wrongTerms(kind, order, { [term.name]: undefined })).toEqual(wrong)
          }
        })
    }
  })
