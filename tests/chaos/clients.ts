// Clients that never stop: they place, repeat after a lost answer with the same key, send twice at once, reuse keys wrongly,
// cancel orders that the engine may just be filling, and give up early. The log has every request and every answer.

import type { Random } from '../support/random.ts'
import { requestIdOf, type Answer, type Terms } from './checker/evidence.ts'
import type { ClientLog, Request } from './clientLog.ts'
import { drawTerms, encodeOrder } from './orderMix.ts'

/** An order that was acknowledged. */
export type ClientOrder = { id: string; terms: Terms; canceled: boolean }

export type Clients = {
  /** Requests a second; 0 begins no new ones. */
  setRate: (perSecond: number) => void
  /** Begins no new requests and resolves when none is under way. */
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

type Context = ClientsOptions & { orders: ClientOrder[]; fresh: string[]; users: string[]; isClosing: () => boolean }

const pause = (rng: Random, leastMs: number, mostMs: number) => Bun.sleep(rng.int(leastMs, mostMs))

const methods = { place: 'POST', cancel: 'POST', delete: 'DELETE', get: 'GET' } as const

/** Sends without keep-alive: on a stale connection the library would repeat a request by itself, which the log would lack. */
const send = async ({ urls, log, rng }: Context, request: Request, timeoutMs: number): Promise<Answer> => {
  const encoded = request.op === 'place' ? encodeOrder(request.terms, rng) : { headers: {}, body: null }
  const path =
    request.op === 'place' ? '/orders' : `/orders/${request.orderId}${request.op === 'cancel' ? '/cancel' : ''}`
  const base = rng.pick(urls)
  const n = log.sent(request)
  let answer: Answer
  try {
    const response = await fetch(`${base}${path}`, {
      method: methods[request.op],
      body: encoded.body,
      headers: { ...encoded.headers, 'x-request-id': requestIdOf(n) },
      keepalive: false,
      signal: AbortSignal.timeout(timeoutMs),
    })
    const body = (await response.json()) as { id?: string; status?: string | number; orderStatus?: string }
    const orderStatus = body.orderStatus ?? (typeof body.status === 'string' ? body.status : undefined)
    answer = {
      answer: n,
      at: Date.now(),
      status: response.status,
      ...(body.id === undefined ? {} : { orderId: body.id }),
      ...(orderStatus === undefined ? {} : { orderStatus }),
      ...(response.headers.get('idempotent-replayed') === 'true' ? { replayed: true } : {}),
    }
  } catch (error) {
    const refused = error instanceof Error && 'code' in error && error.code === 'ConnectionRefused'
    answer = { answer: n, at: Date.now(), status: 0, error: refused ? 'refused' : 'lost' }
  }
  log.answered(answer)
  return answer
}

const remember = (context: Context, terms: Terms, { status, orderId }: Answer): void => {
  const { acked, fresh, orders } = context
  if (status !== 202 || orderId === undefined || acked.has(orderId)) return
  acked.add(orderId)
  fresh.push(orderId)
  orders.push({ id: orderId, terms, canceled: false })
  if (orders.length > knownMax) orders.splice(0, knownMax / 2)
}

const impatient = (rng: Random): number => (rng.chance(0.12) ? rng.int(1, 80) : patientMs)

/** With a key, repeats until the outcome is certain; without one, repeats only if certainly nothing was stored. */
const place = async (context: Context, terms: Terms): Promise<void> => {
  const { rng } = context
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const answer = await send(context, { op: 'place', terms }, attempt < 3 ? impatient(rng) : patientMs)
    remember(context, terms, answer)
    const stored = answer.status !== 503 && answer.error !== 'refused'
    // 400: its expiresAt has passed meanwhile, and nothing was stored.
    const isAnswered = answer.status === 202 || answer.status === 422 || answer.status === 400
    if (isAnswered || (terms.key === null && stored) || context.isClosing()) return
    await pause(rng, 20, 400)
  }
}

const placeNew = async (context: Context): Promise<void> => {
  const { rng, users } = context
  const key = rng.chance(0.6) ? `k-${crypto.randomUUID()}` : null
  const terms = drawTerms(rng, key === null ? crypto.randomUUID() : rng.pick(users), key)
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
    const { status, error } = await send(context, { op, orderId: order.id }, impatient(rng))
    if (status === 200) order.canceled = true
    if ((status !== 0 && status < 500) || error === 'refused' || context.isClosing()) return
    await pause(rng, 20, 300)
  }
}

const act = async (context: Context): Promise<void> => {
  const { rng, orders } = context
  const draw = rng.next()
  if (orders.length === 0 || draw < 0.76) return placeNew(context)
  if (draw < 0.8) return repeat(context)
  if (draw < 0.96) return cancel(context)
  await send(context, { op: 'get', orderId: rng.pick(orders).id }, patientMs)
}

export const startClients = (options: ClientsOptions): Clients => {
  let rate = 0
  let due = 0
  const underWay = new Set<Promise<void>>()
  const users = Array.from({ length: 30 }, () => options.rng.uuid())
  const context: Context = { ...options, orders: [], fresh: [], users, isClosing: () => rate === 0 }
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
    },
    async pause() {
      rate = 0
      due = 0
      await Promise.all(underWay)
    },
    orders: context.orders,
    acked: () => options.acked.size,
    take: () => context.fresh.splice(0),
    close: () => clearInterval(timer),
  }
}
