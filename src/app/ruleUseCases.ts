// The use cases of the rules of business. Everybody may read limits and halts; only administrators change them, and read who changed what.

import type { Limits, TradingState } from '../domain/rules.ts'
import {
  readInstruments,
  readTickerTrading,
  readTrading,
  type Instrument,
  type InstrumentFilter,
  type TickerTrading,
  type TradingOverview,
} from '../store/rulePages.ts'
import { readRulesChanges, type RulesChange, type StoredChange } from '../store/rules.ts'
import type { Database } from '../store/sql.ts'
import type { Audit } from './audit.ts'
import type { BatchRefusal } from './batcher.ts'
import type { Batchers } from './batchers.ts'
import { forbidden, isAdmin, subjectOf, type Call, type Forbidden } from './caller.ts'
import type { ChangeResult } from './changeRules.ts'
import { pageOf, type Page } from './page.ts'
import type { RuleBook } from './rules.ts'

/** Who says so, and why. */
type Statement = { by: string; note: string }

/** `ticker` undefined: all. `limits`: of tickers that have none of their own. What is left out stays as it is. */
export type TradingChange = {
  ticker: string | undefined
  state: TradingState | undefined
  limits: Limits | undefined
  cancelOpen: boolean
}

type ChangeAnswer = ChangeResult | Forbidden | BatchRefusal

export type RuleUseCases = {
  /** Positions are tickers. */
  instruments: (
    call: Call,
    filter: InstrumentFilter,
    limit: number,
  ) => Promise<({ ok: true } & Page<Instrument, string>) | BatchRefusal>
  trading: (call: Call) => Promise<{ ok: true; trading: TradingOverview } | BatchRefusal>
  tickerTrading: (call: Call, ticker: string) => Promise<{ ok: true; trading: TickerTrading } | BatchRefusal>
  /** Newest first. Positions are epochs. */
  rulesChanges: (
    call: Call,
    before: string | undefined,
    limit: number,
  ) => Promise<({ ok: true } & Page<StoredChange, string>) | Forbidden | BatchRefusal>
  /** Once it has answered, no replica accepts an order that the new rules forbid. */
  changeTrading: (call: Call, change: TradingChange, statement: Statement) => Promise<ChangeAnswer>
  /** Lists a ticker and replaces its limits. */
  putInstrument: (call: Call, ticker: string, put: { limits: Limits; statement: Statement }) => Promise<ChangeAnswer>
  deleteInstrument: (call: Call, ticker: string, statement: Statement) => Promise<ChangeAnswer>
}

type RuleParts = {
  batchers: Pick<Batchers, 'pages' | 'ruleChanges'>
  /** The pool from which lists are read. */
  lists: Database
  ruleBook: RuleBook
  audit: Audit
  now: () => Date
  newId: (at: Date) => string
}

/** More halted tickers than these are counted, not listed. */
const haltedMax = 1_000

export const createRuleUseCases = ({ batchers, lists, ruleBook, audit, now, newId }: RuleParts): RuleUseCases => {
  const { pages, ruleChanges } = batchers

  const change = async (call: Call, wanted: RulesChange, { by, note }: Statement): Promise<ChangeAnswer> => {
    const { caller, requestId } = call
    if (!isAdmin(caller)) return forbidden
    audit(call, { operation: 'changeRules', what: wanted.what, ticker: wanted.ticker })
    const origin = { attempt: newId(now()), by, note, subject: subjectOf(caller), requestId }
    const result = await ruleChanges.submit({ change: wanted, origin })
    // So that this replica needs no statement that is refused to learn of it. If it cannot read it now, the gate tells.
    if (result.ok) await ruleBook.refresh().catch(() => undefined)
    return result
  }

  return {
    instruments: (_, filter, limit) =>
      pages.submit(async () => {
        const instruments = await lists.run((sql) => readInstruments(sql, filter, limit + 1))
        return { ok: true, ...pageOf(instruments, limit, ({ ticker }) => ticker) }
      }),
    trading: () =>
      pages.submit(async () => ({ ok: true, trading: await lists.run((sql) => readTrading(sql, haltedMax)) })),
    tickerTrading: (_, ticker) =>
      pages.submit(async () => ({ ok: true, trading: await lists.run((sql) => readTickerTrading(sql, ticker)) })),
    async rulesChanges({ caller }, before, limit) {
      if (!isAdmin(caller)) return forbidden
      return pages.submit(async () => {
        const changes = await lists.run((sql) => readRulesChanges(sql, before, limit + 1))
        return { ok: true, ...pageOf(changes, limit, ({ epoch }) => epoch) }
      })
    },
    changeTrading(call, { ticker = '', state, limits, cancelOpen }, statement) {
      const wanted = { what: 'TRADING', ticker, cancelOpen } as const
      const parts = { ...(state === undefined ? {} : { state }), ...(limits === undefined ? {} : { limits }) }
      return change(call, { ...wanted, ...parts }, statement)
    },
    putInstrument: (call, ticker, { limits, statement }) => change(call, { what: 'LISTED', ticker, limits }, statement),
    deleteInstrument: (call, ticker, statement) => change(call, { what: 'DELISTED', ticker }, statement),
  }
}
