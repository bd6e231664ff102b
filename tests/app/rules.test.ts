// Proves: a replica knows the rules of all, of tickers and their limits; it reads each change once, alone, within a second or when it is told to;
// and it begins anew where the database turns out to have another history.

import { beforeEach, describe, expect, test } from 'bun:test'
import { createRuleBook } from '../../src/app/rules.ts'
import { refusalBy } from '../../src/domain/rules.ts'
import type { Database } from '../../src/store/sql.ts'
import { someTerms } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { changed, halt, resume, someLimits } from '../support/someRules.ts'
import { until } from '../support/until.ts'

const { sql, db } = await ownDatabase()

let ticker = ''
let tickers = 0
beforeEach(() => void (ticker = `T${++tickers}`))

const bookOf = (through: Database = db, mode: 'open' | 'listed' = 'open') =>
  createRuleBook({ db: through, features: new Set(), mode })
const list = (limits = {}) => db.run((own) => changed(own, { what: 'LISTED', ticker, limits: someLimits(limits) }))

/** Counts the statements that pass. */
const counting = () => {
  let statements = 0
  const through: Database = {
    run(statement) {
      statements++
      return db.run(statement)
    },
    close: () => db.close(),
  }
  return { through, statements: () => statements }
}

describe('what it knows', () => {
  test('it reads once, and again when it is told to', async () => {
    const { through, statements } = counting()
    const book = bookOf(through)
    const first = await book.current()
    expect(await book.current()).toBe(first)
    expect(statements()).toBe(1)
    expect(await book.refresh()).toBe(first)
    expect(statements()).toBe(2)
  })

  test('is what was changed since, and what stayed', async () => {
    const book = bookOf(db, 'listed')
    await list({ tickSize: '0.5' })
    const known = await book.current()
    expect(refusalBy(known, someTerms({ ticker }))).toBeNull()
    await db.run((own) => halt(own, ticker))
    const halted = await book.refresh()
    expect(BigInt(halted.epoch)).toBe(BigInt(known.epoch) + 1n)
    expect(refusalBy(halted, someTerms({ ticker }))?.code).toBe('HALTED')
    expect(book.state()).toMatchObject({ epoch: Number(halted.epoch), halted: false, haltedTickers: 1 })
    await db.run((own) => resume(own, ticker))
    const resumed = await book.refresh()
    expect(refusalBy(resumed, someTerms({ ticker, price: 1n }))?.code).toBe('TICK_SIZE')
    await db.run((own) => changed(own, { what: 'DELISTED', ticker }))
    expect(refusalBy(await book.refresh(), someTerms({ ticker }))?.code).toBe('UNKNOWN_TICKER')
    expect((await book.current()).tickers.has(ticker)).toBe(false)
  })

  test('of all is its state and the limits of tickers that have none', async () => {
    const book = bookOf()
    await db.run((own) =>
      changed(own, { what: 'TRADING', ticker: '', state: 'HALTED', limits: someLimits({ lotSize: '7' }) }),
    )
    expect(refusalBy(await book.refresh(), someTerms({ ticker }))).toMatchObject({ text: 'trading is halted' })
    expect(book.state().halted).toBe(true)
    await db.run((own) => resume(own))
    expect(refusalBy(await book.refresh(), someTerms({ ticker }))?.code).toBe('LOT_SIZE')
    await db.run((own) => changed(own, { what: 'TRADING', ticker: '', limits: someLimits() }))
    expect(refusalBy(await book.refresh(), someTerms({ ticker }))).toBeNull()
  })

  test('it finds out by itself within some seconds while nobody asks', async () => {
    const book = bookOf()
    const stopping = new AbortController()
    const running = book.run(stopping.signal)
    await until(() => book.state().epoch > 0, { what: 'the rules are read' })
    await db.run((own) => halt(own, ticker))
    await until(() => book.state().haltedTickers === 1, { what: 'the halt is read' })
    stopping.abort()
    await running
    await db.run((own) => resume(own, ticker))
  })

  test('whoever asks while a read is under way gets what is read after it', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    let reads = 0
    const slow: Database = {
      async run(statement) {
        const answer = await db.run(statement)
        if (++reads === 1) await released
        return answer
      },
      close: () => db.close(),
    }
    const book = bookOf(slow)
    const early = book.refresh()
    await until(() => reads === 1, { what: 'the first read has its rows' })
    await db.run((own) => halt(own, ticker))
    const late = [book.refresh(), book.refresh()]
    release()
    expect((await early).tickers.get(ticker)).toBeUndefined()
    for (const rules of await Promise.all(late)) expect(rules.tickers.get(ticker)?.state).toBe('HALTED')
    expect(reads).toBe(2)
    await db.run((own) => resume(own, ticker))
  })
})

test('it begins anew where the last change that it knows is not in the database, though the epoch is the same', async () => {
  await db.run((own) => halt(own, ticker))
  const book = bookOf()
  expect((await book.current()).tickers.get(ticker)?.state).toBe('HALTED')
  // As after a restore: the halt was lost, and another change has its epoch.
  await sql.begin(async (own) => {
    await own`set local session_replication_role = replica`
    await own`update rules_changes set attempt = gen_random_uuid() where epoch = (select epoch from rules_gate)`
    await own`delete from trading_states where ticker = ${ticker}`
  })
  const anew = await book.refresh()
  expect(anew.tickers.get(ticker)).toBeUndefined()
  expect(refusalBy(anew, someTerms({ ticker }))).toBeNull()
})
