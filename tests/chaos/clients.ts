// Clients that never stop: they place, repeat after a lost answer with the same key, send twice at once, reuse keys wrongly,
// make keys void to be certain, send batches, cancel orders that the engine may just be filling, and give up early. Those who act on many
// orders are in desks.ts. The log has every request and every answer.

import type { Random } from '../support/random.ts'
import type { Answer, Terms } from './checker/evidence.ts'
import type { ClientLog } from './clientLog.ts'
import { createDesks } from './desks.ts'
import { drawTerms } from './orderMix.ts'
import { createSender, type Sender } from './sender.ts'

/** An order that was acknowledged. */
export type ClientOrder = { id: string; terms: Terms; canceled: boolean }

export type Clients = {
  /** Requests a second; 0 begins no new ones. */
  setRate: (perSecond: number) => void
  /** Begins no new requests and resolves when none is under way. Trading is resumed. */
  pause: () => Promise<void>
  /** Newest last; the oldest are forgotten. */
  orders: readonly ClientOrder[]
  /** Orders acknowledged, each once; `take` answers those since the last call. */
  acked: () => number
  take: () => string[]
  close: () => void
}

export type ClientsOptions = { urls: readonly string[]; log: ClientLog; rng: Random; acked: Set<string> }

const inFlightMax = 120
const knownMax = 4_000
const tickMs = 10
const patientMs = 8_000
const attemptsMax = 8

type Context = ClientsOptions & {
  send: Sender
  orders: ClientOrder[]
  fresh: string[]
  users: string[]
  isClosing: () => boolean
}

const pause = (rng: Random, leastMs: number, mostMs: number) => Bun.sleep(rng.int(leastMs, mostMs))

const acknowledge = ({ acked, fresh, orders }: Context, terms: Terms, id: string): void => {
  if (acked.has(id)) return
  acked.add(id)
  fresh.push(id)
  orders.push({ id, terms, canceled: false })
  if (orders.length > knownMax) orders.splice(0, knownMax / 2)
}

const remember = (context: Context, terms: Terms, { status, orderId }: Pick<Answer, 'status' | 'orderId'>): void => {
  if (status === 202 && orderId !== undefined) acknowledge(context, terms, orderId)
}

const impatient = (rng: Random): number => (rng.chance(0.12) ? rng.int(1, 80) : patientMs)

/** After a lost answer: makes certain that there is no order. Whether it was answered; then somebody may repeat the order all the same. */
const makeVoid = async (context: Context, { userId, key }: Terms): Promise<boolean> => {
  const { rng, send } = context
  for (let attempt = 1; attempt <= 3; attempt++) {
    const { status } = await send({ op: 'void', userId, key: key! }, impatient(rng))
    if (status === 200) return rng.chance(0.7)
    await pause(rng, 20, 300)
  }
  return false
}

/** With a key, repeats until the outcome is certain; without one, repeats only if certainly nothing was stored. */
const place = async (context: Context, terms: Terms): Promise<void> => {
  const { rng } = context
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const answer = await context.send({ op: 'place', terms }, attempt < 3 ? impatient(rng) : patientMs)
    remember(context, terms, answer)
    const stored = answer.status !== 503 && answer.error !== 'refused'
    // 400: its expiresAt has passed meanwhile, and nothing was stored.
    const isAnswered = [202, 400, 409, 422].includes(answer.status)
    if (isAnswered || (terms.key === null && stored) || context.isClosing()) return
    if (stored && rng.chance(0.3) && (await makeVoid(context, terms))) return
    await pause(rng, 20, 400)
  }
}

const newTerms = ({ rng, users }: Context, keyedShare = 0.6): Terms => {
  const key = rng.chance(keyedShare) ? `k-${crypto.randomUUID()}` : null
  return drawTerms(rng, key === null ? crypto.randomUUID() : rng.pick(users), key)
}

/** Some orders at once, the last perhaps with a key of another one. Those that may be stored or not are repeated one by one. */
const placeBatch = async (context: Context): Promise<void> => {
  const { rng, send } = context
  const orders = Array.from({ length: rng.int(2, 12) }, () => newTerms(context, 0.8))
  const keyed = orders.filter(({ key }) => key !== null)
  if (keyed.length > 0 && rng.chance(0.2)) orders.push(rng.pick(keyed))
  const { status, results = [] } = await send({ op: 'batch', orders }, impatient(rng))
  results.forEach((result, i) => remember(context, orders[i]!, result))
  if (status === 200 || context.isClosing()) return
  for (const terms of keyed) await place(context, terms)
}

const placeNew = async (context: Context): Promise<void> => {
  const { rng } = context
  const terms = newTerms(context)
  const { key } = terms
  if (key === null || rng.chance(0.94)) return place(context, terms)
  // Two at once, perhaps on two replicas; the second may use the key for another order.
  const other = rng.chance(0.5) ? terms : { ...terms, quantity: '777' }
  await Promise.all([place(context, terms), place(context, other)])
}

const repeat = async (context: Context): Promise<void> => {
  const { rng, orders } = context
  const order = rng.pick(orders)
  if (order.terms.key === null) return
  await place(context, rng.chance(0.7) ? order.terms : { ...order.terms, quantity: '778' })
}

/** Cancels mostly an order placed a moment ago, which the engine may be filling: as long as it is NEW, or whatever remains. */
const cancel = async (context: Context): Promise<void> => {
  const { rng, orders } = context
  const order = rng.chance(0.7) ? orders[orders.length - rng.int(1, Math.min(12, orders.length))]! : rng.pick(orders)
  const op = rng.pick(['cancel', 'delete'] as const)
  for (let attempt = 1; attempt <= 3; attempt++) {
    const { status, error } = await context.send({ op, orderId: order.id }, impatient(rng))
    if (status === 200) order.canceled = true
    if ((status !== 0 && status < 500) || error === 'refused' || context.isClosing()) return
    await pause(rng, 20, 300)
  }
}

const act = async (context: Context): Promise<void> => {
  const { rng, orders } = context
  const draw = rng.next()
  if (orders.length === 0 || draw < 0.72) return placeNew(context)
  if (draw < 0.76) return placeBatch(context)
  if (draw < 0.8) return repeat(context)
  if (draw < 0.96) return cancel(context)
  await context.send({ op: 'get', orderId: rng.pick(orders).id }, patientMs)
}

export const startClients = (options: ClientsOptions): Clients => {
  let rate = 0
  let due = 0
  const underWay = new Set<Promise<void>>()
  const users = Array.from({ length: 30 }, () => options.rng.uuid())
  const context: Context = {
    ...options,
    send: createSender(options),
    orders: [],
    fresh: [],
    users,
    isClosing: () => rate === 0,
  }
  const desks = createDesks({ ...context, place: (terms) => place(context, terms) })
  const timer = setInterval(() => {
    due = Math.min(due + (rate * tickMs) / 1000, 20)
    for (; due >= 1; due--) {
      if (underWay.size >= inFlightMax) return
      const acting = act(context).finally(() => underWay.delete(acting))
      underWay.add(acting)
    }
  }, tickMs)
  return {
    setRate(perSecond) {
      rate = perSecond
      desks.goOn()
    },
    async pause() {
      rate = 0
      due = 0
      await Promise.all([...underWay, desks.pause()])
    },
    orders: context.orders,
    acked: () => options.acked.size,
    take: () => context.fresh.splice(0),
    close: () => clearInterval(timer),
  }
}
