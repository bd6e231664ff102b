// W2: applying trades.

import type { Bench, Measured, Workload } from '../bench.ts'
import { sharesOf, startCpuClock, startCpuMeter } from '../measure/cpu.ts'
import { openTradeFeed } from '../mix/tradeFeed.ts'
import type { VerifyScope } from '../recount/evidence.ts'
import { openTrial, type Trial, type TrialOptions } from '../world/trial.ts'
import { roots } from './closedLoop.ts'
import { decodeCell } from './decode.ts'
import { limitCell } from './limit.ts'
import { drainRate, lagFigures, preload, prepareTrades, recountTrades, untilDrained } from './trades.ts'

const lagPerSecond = 1_000
const pollMs = 50
const firstLegLimitMs = 120_000

/** Many loaded orders are to be executed at once and have been open for years: to end them would be other work than W2's. */
const loadedOrders = async (bench: Bench, orders: number): Promise<TrialOptions> => ({
  copyOf: await bench.world.loadedDatabase(orders),
  env: { IMMEDIATE_GRACE_MS: '0' },
})

/** Counts legs with any disposition: a duplicate or an unknown order is work too. */
const disposedLegs = async (trial: Trial): Promise<number> =>
  Object.entries(await trial.metrics())
    .filter(([name]) => name.startsWith('orders_trade_legs_total{'))
    .reduce((sum, [, legs]) => sum + legs, 0)

/**
 * Waits for the first legs; answers how many there are. From here on the processor time is the drain's, without the start and the
 * joining of the group. It includes the tenths of a second after the last leg until `untilDrained` sees the end.
 */
const untilDraining = async (trial: Trial): Promise<number> => {
  const limit = performance.now() + firstLegLimitMs
  while (performance.now() < limit) {
    const legs = await disposedLegs(trial)
    if (legs > 0) return legs
    await Bun.sleep(pollMs)
  }
  throw new Error(`the service disposed of no leg within ${firstLegLimitMs / 1000} s`)
}

/** The service starts on a topic full of trades between so many loaded orders, and is watched until it has been through it. */
export const measureTrades = async (
  bench: Bench,
  plan: { orders: number; newest?: boolean; count: number; hot: boolean; scope: VerifyScope },
): Promise<Measured> => {
  await using trial = await openTrial(bench.world, await loadedOrders(bench, plan.orders))
  const set = await prepareTrades(trial, { newest: false, ...plan })
  await preload(bench, trial, set)
  const service = await trial.serve()
  const before = await untilDraining(trial)
  const clock = startCpuClock(roots(bench, service.pid))
  await untilDrained(bench, trial)
  const used = clock.stop()
  const cost = { operations: (await disposedLegs(trial)) - before, cpuSeconds: used.cpuSeconds }
  const figures = await drainRate(trial, set)
  return { figures, cpu: sharesOf(used), cost, recount: await recountTrades(bench, trial, set, plan.scope) }
}

/** Waits until the service has joined its group: earlier messages would wait for that. */
const untilConnected = async (trial: Trial): Promise<void> => {
  while ((await trial.metrics())['orders_trades_connected'] !== 1) await Bun.sleep(pollMs)
}

/** Trades at a steady rate, and how long after its append each was in the ledger. */
const lag = async (bench: Bench): Promise<Measured> => {
  const { seconds, warmupSeconds, tradedOrders: orders } = bench.scale
  await using trial = await openTrial(bench.world, await loadedOrders(bench, orders))
  const count = lagPerSecond * (seconds + warmupSeconds)
  const set = await prepareTrades(trial, { orders, newest: false, count, hot: false })
  const service = await trial.serve()
  await untilConnected(trial)
  const feed = openTradeFeed(bench.world.kafka.bootstrap)
  const meter = startCpuMeter(roots(bench, service.pid))
  await feed.pace(trial.topics.trades, set.messages, lagPerSecond)
  const cpu = meter.stop()
  await feed.close()
  await untilDrained(bench, trial)
  const figures = await lagFigures(bench, trial)
  return {
    figures: { offered: lagPerSecond, ...figures },
    cpu,
    recount: await recountTrades(bench, trial, set, 'tables'),
  }
}

export const w2 = (bench: Bench): Workload => {
  const { trades: count, tradedOrders: orders } = bench.scale
  const on = () => loadedOrders(bench, orders)
  const ledger = { table: 'ingested_fills', on, variables: { orders } } as const
  return {
    name: 'W2',
    title: 'Applying trades',
    rounds: bench.scale.rounds,
    cells: [
      limitCell(bench, { script: 'L5', title: 'one fill a transaction', rows: 1, ...ledger }),
      { name: 'drain', run: () => measureTrades(bench, { orders, count, hot: false, scope: 'tables' }) },
      limitCell(bench, { script: 'L6', title: '500 fills a statement', rows: null, ...ledger }),
      {
        name: 'drain, 10 hot orders',
        run: () => measureTrades(bench, { orders, count: count / 2, hot: true, scope: 'tables' }),
      },
      decodeCell(bench),
      { name: `lag at ${lagPerSecond}/s`, run: () => lag(bench) },
    ],
  }
}
