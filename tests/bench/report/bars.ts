// The standards for the figures. A ratio compares two things that were measured in the same rounds on the same machine, so it has
// a bar that it must pass; an absolute figure says as much about the machine, so it only has a goal beside it.

import type { Figures, Measurement } from '../bench.ts'
import { spreadOf, type Spread } from '../measure/statistics.ts'
import type { WorkloadName } from '../options.ts'

/** A cell is named in full or by its first words: `L1` is the cell `L1 begin; insert; insert; commit`. */
type Place = { workload: WorkloadName; cell: string; figure: string }
export type Bar = { atLeast: number } | { atMost: number }

export type RatioPlan = { name: string; says: string; over: Place; under: Place; bar: Bar | null }
export type GoalPlan = { name: string; of: Place; unit: string; goal: Bar }

const rate = (workload: WorkloadName, cell: string): Place => ({ workload, cell, figure: 'perSecond' })
const posted = rate('W1', '64 connections')
const drained = rate('W2', 'drain')
const read = rate('W4', 'GET')
const mixed = (figure: string): Place => ({ workload: 'W5', cell: 'POST, GET, cancel', figure })

export const ratioPlans: readonly RatioPlan[] = [
  { name: 'W1/L1', says: 'a transaction an order', over: posted, under: rate('W1', 'L1'), bar: { atLeast: 2.5 } },
  { name: 'W1/L2', says: 'a statement an order', over: posted, under: rate('W1', 'L2'), bar: null },
  { name: 'W1/L3', says: '100 orders a statement', over: posted, under: rate('W1', 'L3'), bar: null },
  { name: 'W1/L4', says: 'HTTP and validation alone', over: posted, under: rate('W1', 'L4'), bar: null },
  {
    name: 'W1 without Kafka/L1',
    says: 'a transaction an order',
    over: rate('W1', '64 connections, Kafka stopped'),
    under: rate('W1', 'L1'),
    bar: { atLeast: 3.5 },
  },
  { name: 'W2/L5', says: 'a transaction a leg', over: drained, under: rate('W2', 'L5'), bar: { atLeast: 4 } },
  {
    name: 'W2 hot/L5',
    says: 'all on 10 orders',
    over: rate('W2', 'drain, 10 hot'),
    under: rate('W2', 'L5'),
    bar: null,
  },
  { name: 'W2/L6', says: '500 legs a statement', over: drained, under: rate('W2', 'L6'), bar: null },
  { name: 'W2/L7', says: 'decoding alone', over: drained, under: rate('W2', 'L7'), bar: null },
  {
    name: 'W3/Kafka',
    says: 'Kafka’s own producer',
    over: rate('W3', 'drain'),
    under: rate('W3', 'Kafka’s'),
    bar: null,
  },
  { name: 'W4/L8', says: 'a prepared select', over: read, under: rate('W4', 'L8'), bar: { atLeast: 0.6 } },
  { name: 'W4/L4', says: 'HTTP alone', over: read, under: rate('W4', 'L4'), bar: null },
  {
    name: 'W5 last/first',
    says: 'p99 of the last five minutes and the first',
    over: mixed('lastP99Ms'),
    under: mixed('firstP99Ms'),
    bar: { atMost: 1.2 },
  },
  {
    name: 'W8 overload/maximum',
    says: 'orders taken at twice the maximum, and at it',
    over: rate('W8', 'twice the maximum'),
    under: rate('W8', 'maximum'),
    bar: { atLeast: 0.8 },
  },
  {
    name: 'W8 hot ticker',
    says: 'commit to ack of the others, p99, with and without',
    over: { workload: 'W8', cell: 'one hot ticker', figure: 'commitToAckP99Ms' },
    under: { workload: 'W8', cell: 'many tickers', figure: 'commitToAckP99Ms' },
    bar: { atMost: 1.5 },
  },
  ...['2', '3'].map((replicas) => ({
    name: `W9 ${replicas}/1`,
    says: `orders of ${replicas} replicas and of one`,
    over: rate('W9', `${replicas} replicas`),
    under: rate('W9', '1 replica'),
    bar: null,
  })),
  ...['2', '3'].map((processes) => ({
    name: `W9 one port ${processes}/1`,
    says: `orders of ${processes} processes on one port and of one`,
    over: rate('W9', `${processes} processes on one port`),
    under: rate('W9', '1 process on one port'),
    bar: null,
  })),
  {
    name: 'W10 tokens/open',
    says: 'orders with a JWT on each request, and without',
    over: rate('W10', 'with tokens'),
    under: rate('W10', 'open'),
    bar: { atLeast: 0.9 },
  },
  {
    name: 'W10 traces/open',
    says: 'orders with one trace in a hundred exported, and without',
    over: rate('W10', 'with traces'),
    under: rate('W10', 'open'),
    bar: { atLeast: 0.95 },
  },
]

/** Growth: the largest table against the smallest, as each run has them. */
export const growthPlans = (sizes: readonly number[]): RatioPlan[] => {
  const [least, most] = [sizes[0]!, sizes.at(-1)!].map((orders) => `at ${orders.toLocaleString('en-US')}`)
  const page = (figure: string): Place => ({ workload: 'W6', cell: `list ${most}`, figure })
  return [
    ...['POST', 'trades', 'GET', 'list'].map((kind) => ({
      name: `W6 ${kind}`,
      says: `${most} orders and ${least}`,
      over: rate('W6', `${kind} ${most}`),
      under: rate('W6', `${kind} ${least}`),
      bar: { atLeast: 0.85 },
    })),
    {
      name: 'W6 L8',
      says: `a prepared select ${most} orders and ${least}`,
      over: rate('W6', `L8 prepared select ${most}`),
      under: rate('W6', `L8 prepared select ${least}`),
      bar: null,
    },
    {
      name: 'W6 newest trades',
      says: `on the newest orders ${most}, and ${least}`,
      over: rate('W6', `newest trades ${most}`),
      under: rate('W6', `trades ${least}`),
      bar: null,
    },
    {
      name: 'W6 pages',
      says: 'p50 of the deepest page and the first',
      over: page('depth95P50Ms'),
      under: page('depth0P50Ms'),
      bar: { atMost: 1.15 },
    },
  ]
}

const goal = (name: string, [workload, cell, figure]: [WorkloadName, string, string], unit: string, bar: Bar) => ({
  name,
  of: { workload, cell, figure },
  unit,
  goal: bar,
})

export const goalPlans: readonly GoalPlan[] = [
  goal('W1 p99 at 1,000/s', ['W1', '1000/s', 'p99Ms'], 'ms', { atMost: 10 }),
  goal('W2 lag p99 at 1,000/s', ['W2', 'lag', 'p99Ms'], 'ms', { atMost: 30 }),
  goal('W3 commit to ack p50 at 600/s', ['W3', '600/s', 'commitToAckP50Ms'], 'ms', { atMost: 5 }),
  goal('W3 commit to ack p99 at 600/s', ['W3', '600/s', 'commitToAckP99Ms'], 'ms', { atMost: 25 }),
  goal('W3 drain', ['W3', 'drain', 'perSecond'], 'rows/s', { atLeast: 20_000 }),
  goal('W5 memory growth', ['W5', 'POST, GET, cancel', 'residentMbPerHour'], 'MB/h', { atMost: 10 }),
  goal('W7 start to ready', ['W7', 'start to ready', 'readyMs'], 'ms', { atMost: 400 }),
  goal('W7 idle memory', ['W7', 'idle', 'residentMb'], 'MB', { atMost: 130 }),
  goal('W8 p99 at twice the maximum', ['W8', 'twice the maximum', 'p99Ms'], 'ms', { atMost: 5_000 }),
  goal('W8 p99 of GET while POST takes all', ['W8', 'GET while', 'p99Ms'], 'ms', { atMost: 50 }),
  goal('W7 idle processor', ['W7', 'idle', 'cpuPercent'], '% of a core', { atMost: 1 }),
]

export type Ratio = { name: string; says: string; bar: Bar | null; spread: Spread | null }

/** The cell that a place names. A full name precedes a cell that merely begins with it. */
export const cellOf = (place: Pick<Place, 'cell'>, names: readonly string[]): string | undefined =>
  names.find((name) => name === place.cell) ??
  names.find((name) => /^[ ,]/.test(name.slice(place.cell.length)) && name.startsWith(place.cell))

/** Valid figures of a place, by round. */
export const valuesByRound = (place: Place, measurements: readonly Measurement[]): Map<number, number> => {
  const ofWorkload = measurements.filter(({ workload }) => workload === place.workload)
  const cell = cellOf(
    place,
    ofWorkload.map((one) => one.cell),
  )
  const valid = ofWorkload.filter((one) => one.cell === cell && one.recount.ok)
  const figures = valid.map(
    ({ round, figures }: { round: number; figures: Figures }) => [round, figures[place.figure]] as const,
  )
  return new Map(figures.filter((entry): entry is [number, number] => entry[1] !== undefined))
}

/** Round by round, so that a slow minute of the machine slows both sides; null where no round has both. */
export const ratioOf = ({ name, says, over, under, bar }: RatioPlan, measurements: readonly Measurement[]): Ratio => {
  const below = valuesByRound(under, measurements)
  const ratios = [...valuesByRound(over, measurements)].flatMap(([round, value]) => {
    const limit = below.get(round)
    return limit === undefined ? [] : [value / limit]
  })
  return { name, says, bar, spread: ratios.length === 0 ? null : spreadOf(ratios) }
}

export const meets = (bar: Bar, value: number): boolean =>
  'atLeast' in bar ? value >= bar.atLeast : value <= bar.atMost

export const barText = (bar: Bar): string =>
  'atLeast' in bar ? `≥ ${bar.atLeast.toLocaleString('en-US')}` : `≤ ${bar.atMost.toLocaleString('en-US')}`
