// W6: growth. The same measurements with more and more orders in the table; each size is loaded once, and what writes gets a copy.

import type { Bench, Cell, Workload } from '../bench.ts'
import type { VerifyScope } from '../recount/evidence.ts'
import { measurePosts } from './closedLoop.ts'
import { limitCell } from './limit.ts'
import { measurePages } from './pages.ts'
import { measureTrades } from './w2.ts'
import { measureReads } from './w4.ts'

const million = 1_000_000
const roundsMax = 3
const connections = 64

/** The size that the report calls "0": the fewest orders that trades and reads need. */
export const growthSizes = ({ tradedOrders, growthMillions }: Bench['scale']): number[] => [
  ...new Set([tradedOrders, million, growthMillions * million]),
]

/** Ten million orders take minutes to verify, and every round's copies begin alike. */
const scopeIn = (round: number): VerifyScope => (round === 1 ? 'tables' : 'none')

const cellsAt = (bench: Bench, orders: number): Cell[] => {
  const { world, scale } = bench
  const at = `at ${orders.toLocaleString('en-US')}`
  const loaded = () => world.loadedDatabase(orders)
  return [
    {
      name: `GET ${at}`,
      run: async () => measureReads(bench, { trial: { database: await loaded() }, orders, connections }),
    },
    { name: `list ${at}`, run: () => measurePages(bench, orders) },
    {
      name: `POST ${at}`,
      run: async (round) =>
        measurePosts(bench, { connections, trial: { copyOf: await loaded() }, scope: scopeIn(round) }),
    },
    {
      name: `trades ${at}`,
      run: (round) => measureTrades(bench, { orders, count: scale.trades / 2, hot: false, scope: scopeIn(round) }),
    },
  ]
}

/** Measures how the size of the table affects a read without the service. */
const limitAt = (bench: Bench, orders: number): Cell => {
  const on = async () => ({ database: await bench.world.loadedDatabase(orders) })
  const title = `prepared select at ${orders.toLocaleString('en-US')}`
  return limitCell(bench, { script: 'L8', title, rows: 1, table: null, on, variables: { orders } })
}

/** Beside trades from all over the table: on as many orders as the smallest table has, the newest of the largest. */
const newestCell = (bench: Bench, orders: number): Cell => ({
  name: `newest trades at ${orders.toLocaleString('en-US')}`,
  run: () => measureTrades(bench, { orders, newest: true, count: bench.scale.trades / 2, hot: false, scope: 'none' }),
})

export const w6 = (bench: Bench): Workload => ({
  name: 'W6',
  title: 'Growth',
  rounds: Math.min(roundsMax, bench.scale.rounds),
  cells: [
    ...growthSizes(bench.scale).flatMap((orders) => [...cellsAt(bench, orders), limitAt(bench, orders)]),
    newestCell(bench, growthSizes(bench.scale).at(-1)!),
  ],
})
