// The rules of business as this process knows them. What it knows may be old: the gate tells, in the statement that stores the order. So that
// few statements have to be told, it also looks each second while orders come in, and every few seconds otherwise.

import type { EngineFeature } from '../domain/engine.ts'
import {
  noLimits,
  usualTicker,
  type InstrumentMode,
  type Limits,
  type Rules,
  type TickerRules,
  type TradingState,
} from '../domain/rules.ts'
import { nothingRead, readRulesSince, type RulesDelta, type RulesPlace } from '../store/rules.ts'
import type { Database } from '../store/sql.ts'
import { createBell, sleep } from './sleep.ts'

export type RuleBook = {
  /** The rules that were read last; they are read first if none were. */
  current: () => Promise<Rules>
  /** The rules as they are at the time of the call or later. */
  refresh: () => Promise<Rules>
}

/** The rules that were read last, counted. `epoch`: 0 before the first read. */
type RulesState = { epoch: number; halted: boolean; haltedTickers: number; listedTickers: number }

export type WatchedRuleBook = RuleBook & {
  /** Looks for changes until the signal. */
  run: (signal: AbortSignal) => Promise<void>
  state: () => RulesState
}

export type RuleBookOptions = { db: Database; features: ReadonlySet<EngineFeature>; mode?: InstrumentMode }

const lookEveryMs = 1_000
/** So much later, if nobody asked for the rules meanwhile. */
const restMs = 4_000

/**
 * What is known, and up to where. The map of tickers is changed in place, for it may hold ten thousand and a change concerns one. Whoever still
 * judges by rules of an older epoch may therefore meet newer ones; the gate refuses what they judge, since their epoch is over.
 */
type Known = { place: RulesPlace; state: TradingState; limits: Limits; tickers: Map<string, TickerRules> }

const nothingKnown = (): Known => ({ place: nothingRead, state: 'ACTIVE', limits: noLimits, tickers: new Map() })

const isUsual = ({ state, listed }: TickerRules): boolean => state === 'ACTIVE' && !listed

const apply = (known: Known, { place, states, instruments }: RulesDelta): Known => {
  let { state, limits } = known
  const { tickers } = known
  const change = (ticker: string, changed: Partial<TickerRules>): void => {
    const next = { ...(tickers.get(ticker) ?? usualTicker), ...changed }
    if (isUsual(next)) tickers.delete(ticker)
    else tickers.set(ticker, next)
  }
  for (const one of states) {
    if (one.ticker === '') state = one.state
    else change(one.ticker, { state: one.state })
  }
  for (const { ticker, ...changed } of instruments) {
    if (ticker === '') limits = changed.limits
    else change(ticker, changed)
  }
  return { place, state, limits, tickers }
}

export const createRuleBook = ({ db, features, mode = 'open' }: RuleBookOptions): WatchedRuleBook => {
  let known = nothingKnown()
  let rules: Rules | null = null
  let reading: Promise<Rules> | null = null
  let next: Promise<Rules> | null = null
  const asked = createBell()

  const read = async (): Promise<Rules> => {
    try {
      const delta = await db.run((sql) => readRulesSince(sql, known.place))
      if (rules !== null && delta.continues && delta.place.epoch === rules.epoch) return rules
      known = delta.continues
        ? apply(known, delta)
        : apply(nothingKnown(), await db.run((sql) => readRulesSince(sql, nothingRead)))
      const { place, state, limits, tickers } = known
      rules = { epoch: place.epoch, mode, state, limits, tickers, features }
      return rules
    } finally {
      reading = null
    }
  }
  /** A read that is under way may have begun before the change that the caller knows of: all who come meanwhile share the one behind it. */
  const refresh = (): Promise<Rules> => {
    if (reading === null) return (reading = read())
    next ??= reading
      .catch(() => undefined)
      .then(() => {
        next = null
        return (reading ??= read())
      })
    return next
  }
  return {
    current() {
      asked.ring()
      return rules === null ? (reading ?? refresh()) : Promise.resolve(rules)
    },
    refresh,
    state() {
      const tickers = [...known.tickers.values()]
      return {
        epoch: Number(known.place.epoch),
        halted: known.state === 'HALTED',
        haltedTickers: tickers.filter((ticker) => ticker.state === 'HALTED').length,
        listedTickers: tickers.filter(({ listed }) => listed).length,
      }
    },
    async run(signal) {
      while (!signal.aborted) {
        // While Postgres is away, the rules stay what they were. (The monitor reports that Postgres is away.)
        await refresh().catch(() => undefined)
        await sleep(lookEveryMs, signal)
        await asked.wait(restMs, signal)
      }
    },
  }
}
