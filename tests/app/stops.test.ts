// Proves: a stop that is due by rules that changed meanwhile is judged by the new ones: it is triggered all the same, or, where its ticker was
// halted, it goes on waiting and its trade is over.

import { expect, test } from 'bun:test'
import { triggerByTrades } from '../../src/app/stops.ts'
import type { Database } from '../../src/store/sql.ts'
import { amount, aStop, aTrade } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { halt, resume } from '../support/someRules.ts'
import { storeOrders } from '../support/storeOrders.ts'

const { sql, db } = await ownDatabase()

/** What triggers: `afterDue` happens when the first look at what is due has its answer. Returns how many statements it took. */
const trigger = async (ticker: string, afterDue: () => Promise<unknown>): Promise<number> => {
  let statements = 0
  const hooked: Database = {
    async run(statement) {
      const answer = await db.run(statement)
      if (++statements === 1) await afterDue()
      return answer
    },
    close: () => db.close(),
  }
  const received = aTrade({ ticker, price: '101', tradedAt: new Date().toISOString() })
  await triggerByTrades({ looks: db, db: hooked }, [received], {
    toleranceMs: 1_500,
    now: () => new Date(),
    signal: new AbortController().signal,
    onRetry: (error) => {
      throw error
    },
    onTriggered: () => undefined,
    onRefused: (_, reason) => {
      throw new Error(reason)
    },
  })
  return statements
}

const stored = async (ticker: string): Promise<string> => {
  const placement = aStop({ ticker, side: 'BUY', stopPrice: amount('100') })
  await db.run((own) => storeOrders(own, [placement]))
  return placement.order.id
}
const triggeredBy = async (id: string): Promise<string | null> => {
  const [row] = await sql`
    select c.rules_epoch from orders o left join order_changes c on c.order_id = o.id and c.kind = 'TRIGGERED' where o.id = ${id}`
  return row!['rules_epoch'] as string | null
}

test('another ticker’s halt in between costs another look, and the stop is triggered by the new rules', async () => {
  const stop = await stored('S1')
  let epoch = ''
  const statements = await trigger('S1', async () => (epoch = (await db.run((own) => halt(own, 'S2')))!.epoch))
  expect(await triggeredBy(stop)).toBe(epoch)
  expect(statements).toBe(4)
  await db.run((own) => resume(own, 'S2'))
})

test('a halt of its own ticker in between: it goes on waiting', async () => {
  const stop = await stored('S3')
  const statements = await trigger('S3', () => db.run((own) => halt(own, 'S3')))
  expect(statements).toBe(3)
  expect(await triggeredBy(stop)).toBeNull()
  await db.run((own) => resume(own, 'S3'))
})
