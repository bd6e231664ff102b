// Proves: `orders verify` finds an order that was accepted, and a stop that was triggered, by rules under which its ticker was halted, rules that
// never were, a gap in the changes, and a state or limit that no change brought; and it finds nothing where all is well.

import { beforeAll, beforeEach, expect, test } from 'bun:test'
import { verifyTables } from '../../src/verify/tables.ts'
import type { Violation } from '../../src/verify/violation.ts'
import { aPlacement, aStop } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { changed, halt, resume, someLimits } from '../support/someRules.ts'
import { storeOrders } from '../support/storeOrders.ts'

const { sql, db, database } = await ownDatabase()

const found = async (): Promise<Violation[]> => {
  const violations: Violation[] = []
  const session = database.session()
  await verifyTables(session, {
    onViolations: async (some) => void violations.push(...some),
    onNote: async () => undefined,
    onProgress: () => undefined,
  })
  return violations
}
const store = async (placement = aPlacement({ ticker: 'V1' })): Promise<string> => {
  await db.run((own) => storeOrders(own, [placement]))
  return placement.order.id
}

/** The epoch of the halt of V1, and that of the resumption. */
let halted = ''
let order = ''
let stop = ''
beforeAll(async () => {
  order = await store()
  stop = await store(aStop({ ticker: 'V1' }))
  halted = (await db.run((own) => halt(own, 'V1')))!.epoch
  await db.run((own) => changed(own, { what: 'LISTED', ticker: 'V2', limits: someLimits({ lotSize: '7' }) }))
  await store(aPlacement({ ticker: 'V2' }))
  await db.run((own) => resume(own, 'V1'))
  await db.run((own) => halt(own))
  await db.run((own) => resume(own))
  await store()
})
beforeEach(async () => {
  expect(await found()).toEqual([])
})

/** What verify finds while the tables are as the statements make them; then they are as before. */
const whileBroken = async (statement: string, undo: string): Promise<Partial<Violation>[]> => {
  const past = async (text: string) =>
    sql.begin(async (own) => {
      await own`set local session_replication_role = replica`
      await own.unsafe(text)
    })
  await past(statement)
  try {
    return await found()
  } finally {
    await past(undo)
  }
}

test('an order that was accepted while its ticker was halted', async () => {
  const set = (epoch: string) => `update orders set rules_epoch = ${epoch} where id = '${order}'`
  for (const epoch of [halted, String(Number(halted) + 1), String(Number(halted) + 3)])
    expect(await whileBroken(set(epoch), set('1'))).toMatchObject([
      {
        subject: 'order',
        id: order,
        rule: 'accepted while its ticker was halted',
        found: `by the rules of epoch ${epoch}`,
      },
    ])
  expect(await whileBroken(set(String(Number(halted) + 2)), set('1'))).toEqual([])
})

test('an order that was accepted by rules that never were', async () => {
  const set = (epoch: string) => `update orders set rules_epoch = ${epoch} where id = '${order}'`
  const violations = await whileBroken(set('9999'), set('1'))
  expect(violations).toMatchObject([{ id: order, rule: 'accepted by rules that there are', found: '9999' }])
})

test('a stop that was triggered while its ticker was halted', async () => {
  const trigger = `update orders set triggered_at = now(), updated_at = now(), version = 1 where id = '${stop}';
    insert into order_changes (order_id, version, kind, at, cause, filled_quantity, filled_notional, rules_epoch)
    select id, 1, 'TRIGGERED', updated_at, '{"kind":"trigger"}', 0, 0, ${halted} from orders where id = '${stop}'`
  const undo = `delete from order_changes where order_id = '${stop}';
    update orders set triggered_at = null, updated_at = created_at, version = 0 where id = '${stop}'`
  expect(await whileBroken(trigger, undo)).toMatchObject([{ id: stop, rule: 'triggered while its ticker was halted' }])
})

test('a change that is missing', async () => {
  const gap = `create table kept as select * from rules_changes where ticker = 'V2'; delete from rules_changes where ticker = 'V2'`
  const violations = await whileBroken(gap, 'insert into rules_changes select * from kept; drop table kept')
  expect(violations).toMatchObject([
    { subject: 'instrument', id: 'V2' },
    { subject: 'rules', rule: 'a change for each epoch' },
  ])
})

test('a state and a limit that no change brought', async () => {
  const violations = await whileBroken(
    `update trading_states set state = 'HALTED' where ticker = 'V1'; update instruments set lot_size = 8 where ticker = 'V2'`,
    `update trading_states set state = 'ACTIVE' where ticker = 'V1'; update instruments set lot_size = 7 where ticker = 'V2'`,
  )
  expect(violations).toMatchObject([
    { subject: 'trading state', id: 'V1', expected: 'ACTIVE', found: 'HALTED' },
    { subject: 'instrument', id: 'V2' },
  ])
})
