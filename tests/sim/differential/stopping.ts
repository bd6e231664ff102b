// Calls about stops: looks at what some trades would trigger, and triggers of what was seen or of any order.

import { wholeAmount } from '../../../src/domain/decimal.ts'
import {
  readDueStops,
  readTickersWithDueStops,
  triggerStops,
  type DueStops,
  type PriceRange,
  type Tick,
  type Triggered,
} from '../../../src/store/stops.ts'
import { tickers } from '../postgres/tickers.ts'
import type { Call } from './calls.ts'
import { some, someId, someTime, type Memory } from './memory.ts'

const someTick = (memory: Memory): Tick => ({
  // A few tickers, so that stops of one meet.
  ticker: memory.random.chance(0.8) ? memory.random.pick(tickers.slice(0, 3)) : memory.random.pick(tickers),
  price: wholeAmount(memory.random.int(1, 9)),
  tradedAt: `${someTime(memory).toISOString().slice(0, -1)}${memory.random.pick(['000', '999'])}Z`,
})

const toleranceOf = ({ random }: Memory): number => random.pick([0, 1_500, 1_000_000])

const dueTickers = (memory: Memory): Call => {
  const ranges = some(memory.random, 4, (): PriceRange => {
    const { ticker, price, tradedAt } = someTick(memory)
    return { ticker, lowest: price, highest: price + wholeAmount(memory.random.int(0, 3)), latest: tradedAt }
  })
  const toleranceMs = toleranceOf(memory)
  return {
    name: 'readTickersWithDueStops',
    writes: false,
    run: (sql) => readTickersWithDueStops(sql, ranges, toleranceMs),
  }
}

const dueStops = (memory: Memory): Call => {
  const { random } = memory
  const query = {
    trades: some(random, 6, () => someTick(memory)),
    toleranceMs: toleranceOf(memory),
    except: random.chance(0.3) ? [someId(memory)] : [],
    limit: random.pick([1, 2, 3, 500]),
  }
  return {
    name: 'readDueStops',
    writes: false,
    ordered: true,
    run: (sql) => readDueStops(sql, query),
    learn: (answer) => void (memory.due = (answer as DueStops).due.map(({ orderId }) => orderId)),
  }
}

const triggering = (memory: Memory): Call => {
  const { random } = memory
  const ids = [...memory.due, ...(random.chance(0.3) ? some(random, 3, () => someId(memory)) : [])]
  const triggers = random.shuffle([...new Set(ids)]).map((orderId) => ({
    orderId,
    cause: { kind: 'trigger', topic: 'trade.executed.v1', partition: 1, offset: String(random.int(0, 99)) } as const,
  }))
  const now = someTime(memory)
  const epoch = String(memory.epoch)
  const skipLocked = triggers.length > 1
  return {
    name: 'triggerStops',
    writes: true,
    run: (sql) => triggerStops(sql, triggers, { epoch, now, skipLocked }),
    learn: (answer) => void (memory.epoch = BigInt((answer as Triggered).epoch)),
  }
}

/** Whatever is seen is mostly triggered soon. */
export const stopping = (memory: Memory): Call => {
  if (memory.due.length > 0 && memory.random.chance(0.6)) return triggering(memory)
  return memory.random.pick([dueTickers, dueStops, dueStops, triggering])(memory)
}
