// Publishes bad trades and reports beside the engine's, a few a second, and reads both topics to have something to repeat.

import type { Random } from '../support/random.ts'
import { reportKinds, type BadReport, type Published } from './badReports.ts'
import { kinds, type BadTrade } from './badTrades.ts'
import type { Clients } from './clients.ts'
import type { KafkaSide } from './kafkaSide.ts'
import type { Material } from './material.ts'

export type Injector = { pause: () => Promise<void>; goOn: () => void }

export type InjectorOptions = {
  side: KafkaSide
  clients: Clients
  rng: Random
  /** Observes every kind that the broker acknowledged. */
  onPublished: (kind: BadTrade | BadReport, messages: number) => void
}

const tradeNames = Object.keys(kinds) as BadTrade[]
const reportNames = Object.keys(reportKinds) as BadReport[]
/** A report ends its order, so most of what is injected are trades. */
const reportShare = 0.3

const injectTrades = async (material: Material, { side, rng, onPublished }: InjectorOptions): Promise<void> => {
  const kind = rng.pick(tradeNames)
  const messages = kinds[kind](material)
  if (messages.length === 0) return
  await side.publish('trades', messages)
  onPublished(kind, messages.length)
}

const injectReports = async (material: Material, { side, rng, onPublished }: InjectorOptions): Promise<void> => {
  const kind = rng.pick(reportNames)
  const make: (material: Material) => Published = reportKinds[kind]
  const { reports, trades = [] } = make(material)
  if (reports.length === 0) return
  await side.publish('reports', reports)
  if (trades.length > 0) await side.publish('trades', trades)
  onPublished(kind, reports.length + trades.length)
}

const inject = async (options: InjectorOptions): Promise<void> => {
  const { side, clients, rng } = options
  await Promise.all([side.logs.trades.readToEnd(), side.logs.reports.readToEnd()])
  const { trades, reports } = side.logs
  const material: Material = { rng, orders: clients.orders, trades: trades.records, reports: reports.records }
  if (material.orders.length === 0 || material.trades.length === 0) return
  for (let batch = rng.int(1, 4); batch > 0; batch--)
    await (rng.chance(reportShare) ? injectReports(material, options) : injectTrades(material, options))
}

/** Starts paused. It does not repeat a failed send: Kafka may be away, and the topic shows what was published. */
export const startInjector = (options: InjectorOptions): Injector => {
  let running: Promise<void> | null = null
  let pausing = new AbortController()
  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await inject(options).catch(() => undefined)
      await Bun.sleep(options.rng.int(50, 400))
    }
  }
  return {
    async pause() {
      pausing.abort()
      await running
      running = null
    },
    goOn() {
      if (running !== null) return
      pausing = new AbortController()
      running = run(pausing.signal)
    },
  }
}
