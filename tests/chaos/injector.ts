// Publishes bad trades beside the engine's, a few a second, and reads the trade topic to have something to repeat.

import type { Random } from '../support/random.ts'
import { kinds, type BadTrade } from './badTrades.ts'
import type { Clients } from './clients.ts'
import type { KafkaSide } from './kafkaSide.ts'

export type Injector = { pause: () => Promise<void>; goOn: () => void }

export type InjectorOptions = {
  side: KafkaSide
  clients: Clients
  rng: Random
  /** Observes every kind that the broker acknowledged. */
  onPublished: (kind: BadTrade, messages: number) => void
}

const names = Object.keys(kinds) as BadTrade[]

const inject = async ({ side, clients, rng, onPublished }: InjectorOptions): Promise<void> => {
  await side.logs.trades.readToEnd()
  const material = { rng, orders: clients.orders, trades: side.logs.trades.records }
  if (material.orders.length === 0 || material.trades.length === 0) return
  for (let batch = rng.int(1, 4); batch > 0; batch--) {
    const kind = rng.pick(names)
    const messages = kinds[kind](material)
    if (messages.length === 0) continue
    await side.publish('trades', messages)
    onPublished(kind, messages.length)
  }
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
