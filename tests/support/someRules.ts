// Rules of business and changes of them, where a test does not care about the rest.

import { noLimits, usualTicker, type Limits, type Rules, type TickerRules } from '../../src/domain/rules.ts'
import { changeRules, type RulesChange, type StoredChange } from '../../src/store/rules.ts'
import type { Sql } from '../../src/store/sql.ts'
import { amount } from './builders.ts'

/** `{ tickSize: '0.05' }`: the others have no limit. */
export const someLimits = (texts: Partial<Record<keyof Limits, string>> = {}): Limits => ({
  ...noLimits,
  ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, amount(text)])),
})

type RulesChanges = Partial<Omit<Rules, 'tickers'>> & { tickers?: Record<string, Partial<TickerRules>> }

/** Rules that refuse nothing but what no engine knows, unless the argument says so. */
export const someRules = ({ tickers = {}, ...changes }: RulesChanges = {}): Rules => ({
  epoch: '1',
  mode: 'open',
  state: 'ACTIVE',
  limits: noLimits,
  tickers: new Map(Object.entries(tickers).map(([ticker, own]) => [ticker, { ...usualTicker, ...own }])),
  features: new Set(['display', 'post-only']),
  ...changes,
})

type OriginChanges = { attempt?: string; lockTimeoutMs?: number }

/** As an administrator named `ops` changes them. */
export const changed = (
  sql: Sql,
  change: RulesChange,
  { attempt = crypto.randomUUID(), lockTimeoutMs = 500 }: OriginChanges = {},
): Promise<StoredChange | undefined> => {
  const origin = { attempt, by: 'ops', note: 'a test', subject: null, requestId: 'a-request' }
  return changeRules(sql, change, { origin, lockTimeoutMs })
}

export const halt = (sql: Sql, ticker = '') => changed(sql, { what: 'TRADING', ticker, state: 'HALTED' })
export const resume = (sql: Sql, ticker = '') => changed(sql, { what: 'TRADING', ticker, state: 'ACTIVE' })
