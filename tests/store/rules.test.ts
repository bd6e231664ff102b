// Proves: a change of the rules is one call that raises the epoch, keeps who, when, why, before and after, and happens once however often it is
// tried; a replica reads only what changed; and the tables refuse whatever goes past the gate.

import { beforeEach, describe, expect, test } from 'bun:test'
import { nothingRead, readRulesChanges, readRulesSince } from '../../src/store/rules.ts'
import { createExplainer } from '../support/explain.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { changed, halt, resume, someLimits } from '../support/someRules.ts'
import { failureOf, untilBlocked } from '../support/waiting.ts'

const { database, sql, db } = await ownDatabase()

let ticker = ''
let tickers = 0
beforeEach(() => void (ticker = `T${++tickers}`))

const run = <T>(statement: Parameters<typeof db.run<T>>[0]) => db.run(statement)
const since = (place = nothingRead) => run((own) => readRulesSince(own, place))
const now = async () => (await since()).place
const delist = () => run((own) => changed(own, { what: 'DELISTED', ticker }))

describe('a change', () => {
  test('of a state says since when it is so, and keeps that time while the state stays', async () => {
    const [first, second] = [await run((own) => halt(own, ticker)), await run((own) => halt(own, ticker))]
    expect(first).toMatchObject({
      what: 'TRADING',
      ticker,
      by: 'ops',
      note: 'a test',
      subject: null,
      requestId: 'a-request',
    })
    expect(JSON.parse(first!.before)).toEqual({ state: 'ACTIVE', since: null })
    expect(JSON.parse(first!.after)).toEqual({ state: 'HALTED', since: expect.stringMatching(/Z$/) })
    expect(second!.before).toBe(first!.after)
    expect(second!.after).toBe(first!.after)
    expect(BigInt(second!.epoch)).toBe(BigInt(first!.epoch) + 1n)
    const resumed = await run((own) => resume(own, ticker))
    const [row] = await sql`select halted_since, at from rules_changes where epoch = ${resumed!.epoch}`
    expect(row!['halted_since'].getTime()).toBe(Date.parse(JSON.parse(first!.after).since))
    expect(row!['at'].getTime()).toBeGreaterThanOrEqual(row!['halted_since'].getTime())
  })

  test('of limits replaces them, with every digit, and never touches the state', async () => {
    await run((own) => halt(own, ticker))
    const limits = someLimits({ tickSize: '0.05', notionalMax: '999999999999.12345678' })
    await run((own) => changed(own, { what: 'LISTED', ticker, limits }))
    const again = await run((own) => changed(own, { what: 'LISTED', ticker, limits: someLimits({ lotSize: '7' }) }))
    expect(again!.before).toContain('"notionalMax": 999999999999.12345678')
    expect(again!.after).toContain('"lotSize": 7')
    expect(again!.after).toContain('"tickSize": null')
    const { states, instruments } = await since()
    expect(states).toContainEqual({ ticker, state: 'HALTED' })
    expect(instruments).toContainEqual({ ticker, listed: true, limits: someLimits({ lotSize: '7' }) })
  })

  test('of all sets the state, the limits of tickers that have none, or both', async () => {
    const limits = someLimits({ quantityMax: '1000' })
    const both = await run((own) => changed(own, { what: 'TRADING', ticker: '', state: 'HALTED', limits }))
    expect(Object.keys(JSON.parse(both!.after)).toSorted()).toEqual(['limits', 'since', 'state'])
    const alone = await run((own) => changed(own, { what: 'TRADING', ticker: '', limits: someLimits() }))
    expect(Object.keys(JSON.parse(alone!.after))).toEqual(['limits'])
    expect((await since()).states).toContainEqual({ ticker: '', state: 'HALTED' })
    await run((own) => resume(own))
  })

  test('delists what is listed; what is not listed is left, and takes no epoch', async () => {
    await run((own) => changed(own, { what: 'LISTED', ticker, limits: someLimits({ lotSize: '7' }) }))
    const done = await delist()
    expect(JSON.parse(done!.after)).toMatchObject({ listed: false, limits: { lotSize: null } })
    const { epoch } = await now()
    expect(await delist()).toBeUndefined()
    expect((await now()).epoch).toBe(epoch)
  })

  test('whose answer was lost finds its own row, whatever came after it', async () => {
    const attempt = crypto.randomUUID()
    const change = { what: 'TRADING', ticker, state: 'HALTED' } as const
    const first = await run((own) => changed(own, change, { attempt }))
    await run((own) => resume(own, ticker))
    const { epoch } = await now()
    expect(await run((own) => changed(own, change, { attempt }))).toEqual(first)
    expect((await now()).epoch).toBe(epoch)
    expect((await since()).states).toContainEqual({ ticker, state: 'ACTIVE' })
  })

  test('waits for a statement that passed the gate, for as long as it may', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { promise: passed, resolve: pass } = Promise.withResolvers<void>()
    const holder = sql.begin(async (own) => {
      await own`select from rules_gate where false for share`
      pass()
      await released
    })
    await passed
    const refusal = await failureOf(
      run((own) => changed(own, { what: 'TRADING', ticker, state: 'HALTED' }, { lockTimeoutMs: 50 })),
    )
    expect(refusal).toMatchObject({ code: '55P03' })
    const patient = run((own) => changed(own, { what: 'TRADING', ticker, state: 'HALTED' }, { lockTimeoutMs: 900 }))
    await untilBlocked(sql, 'change_rules')
    release()
    await holder
    expect((await patient)!.ticker).toBe(ticker)
  })

  test('is listed, newest first', async () => {
    for (const one of ['A', 'B', 'C']) await run((own) => halt(own, `${ticker}.${one}`))
    const changes = await run((own) => readRulesChanges(own, undefined, 3))
    expect(changes.map((change) => change.ticker)).toEqual([`${ticker}.C`, `${ticker}.B`, `${ticker}.A`])
    const [older] = await run((own) => readRulesChanges(own, changes[1]!.epoch, 1))
    expect(older).toEqual(changes[2])
    for (const one of ['A', 'B', 'C']) await run((own) => resume(own, `${ticker}.${one}`))
  })
})

describe('a replica', () => {
  test('reads what changed since its place, and nothing else', async () => {
    const place = await now()
    expect(await since(place)).toEqual({ place, continues: true, states: [], instruments: [] })
    await run((own) => halt(own, ticker))
    const delta = await since(place)
    expect(delta).toMatchObject({ continues: true, states: [{ ticker, state: 'HALTED' }], instruments: [] })
    expect(BigInt(delta.place.epoch)).toBe(BigInt(place.epoch) + 1n)
  })

  test('is told that its rules are not those of this database', async () => {
    await run((own) => halt(own, ticker))
    const place = await now()
    expect((await since(place)).continues).toBe(true)
    expect((await since({ ...place, attempt: crypto.randomUUID() })).continues).toBe(false)
    expect((await since({ ...place, epoch: String(BigInt(place.epoch) + 1n) })).continues).toBe(false)
  })

  test('reads one row of ten thousand', async () => {
    await sql.begin(async (own) => {
      await own`update rules_gate set epoch = epoch + 1`
      await own`insert into rules_changes (epoch, at, attempt, what, ticker, before, after, changed_by, note, request_id)
        select epoch, now(), gen_random_uuid(), 'LISTED', '', '{}', '{}', 'ops', 'many', 'r' from rules_gate`
      await own`insert into instruments (ticker, listed, tick_size, epoch, changed_at, changed_by, note)
        select 'M' || n, true, 0.05, epoch, now(), 'ops', 'many' from rules_gate, generate_series(1, 10000) n`
    })
    await sql.unsafe('analyze instruments')
    const place = await now()
    await run((own) => changed(own, { what: 'LISTED', ticker, limits: someLimits() }))
    const explainer = await createExplainer(database, 'keys')
    const delta = await explainer.run((own) => readRulesSince(own, place))
    expect(delta.instruments.map((one) => one.ticker)).toEqual([ticker])
    const [plan] = await explainer.plans()
    expect(plan!.nodes).not.toContain('Seq Scan on instruments')
    expect(plan!.rowsScanned('instruments')).toBe(1)
  })
})

describe('the tables refuse', () => {
  const refused = async (statement: PromiseLike<unknown>): Promise<void> =>
    expect(await failureOf(statement)).toMatchObject({ code: '23514' })
  const instrument = (columns: Record<string, string | boolean | null>) =>
    sql.begin(async (own) => {
      const [gate] = await own<{ epoch: string }[]>`update rules_gate set epoch = epoch + 1 returning epoch`
      const row = {
        ticker,
        listed: true,
        changed_at: '2026-01-01',
        changed_by: 'ops',
        note: 'n',
        epoch: gate!.epoch,
        ...columns,
      }
      await own`insert into instruments ${sql(row)}`
      throw new Error('taken')
    })

  test('a rule that is changed past the gate', async () => {
    await run((own) => halt(own, ticker))
    await refused(sql`update trading_states set state = 'ACTIVE' where ticker = ${ticker}`.then(() => undefined))
    await refused(sql`insert into trading_states (ticker, state, since, epoch, changed_at, changed_by, note)
                      values (${`${ticker}X`}, 'HALTED', now(), 1, now(), 'ops', 'n')`)
    await refused(instrument({ epoch: '1' }))
  })

  test('unlawful limits', async () => {
    for (const columns of [
      { tick_size: '0' },
      { lot_size: '-1' },
      { price_band_percent: 'NaN' },
      { quantity_min: '2', quantity_max: '1' },
      { listed: false, lot_size: '1' },
      { ticker: 'aapl' },
    ])
      await refused(instrument(columns))
    expect(await failureOf(instrument({ tick_size: '1', quantity_min: '1' }))).toMatchObject({ message: 'taken' })
  })

  test('to change or forget the audit, or to forget a rule', async () => {
    await run((own) => halt(own, ticker))
    await refused(sql`update rules_changes set note = 'another'`)
    for (const table of ['rules_changes', 'instruments', 'trading_states'])
      for (const statement of ['delete from', 'truncate']) await refused(sql.unsafe(`${statement} ${table}`))
  })
})
