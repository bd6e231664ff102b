// Orders at a steady pace from many clients, and the judgement afterwards: what was promised is there, exactly once, in order.

import { expect } from 'bun:test'
import { distinct } from './identity.ts'
import type { Received } from './kafka.ts'
import { orderBody } from './orderBody.ts'
import type { RunningService } from './service.ts'
import { until } from './until.ts'
import { type World } from './world.ts'

/** `status` 0: the connection broke, so nobody knows. */
export type Answer = {
  status: number
  id: string | null
  /** Its clientOrderId. */
  key: string
  code: unknown
  ticker: string
  url: string
}

export type Load = {
  answers: Answer[]
  /** Resolves once `count` more answers pass the test, or one of each client; gives all answers since the call. */
  next: (count: number | 'one each', is?: (answer: Answer) => boolean) => Promise<Answer[]>
  /** Resolves when every client has had its last answer. */
  stop: () => Promise<Answer[]>
}

export type LoadOptions = {
  /** Asked before every request, so that a killed replica can be left out. */
  targets: () => readonly RunningService[]
  clients?: number
  /** The pause between two orders of a client. */
  pauseMs?: number
  /** Cancel every n-th order at once; 0: none. */
  cancelEvery?: number
}

/**
 * Each client has a ticker of its own and sends its orders one after the other, each to the next target: the n-th has quantity
 * n, so the topic's order can be read off it.
 */
export const startLoad = ({ targets, clients = 12, pauseMs = 5, cancelEvery = 0 }: LoadOptions): Load => {
  const answers: Answer[] = []
  const stopping = new AbortController()

  const client = async (name: number): Promise<void> => {
    const ticker = `L${name}`
    for (let n = 1; !stopping.signal.aborted; n++) {
      const alive = targets()
      const target = alive[n % alive.length]!
      const key = `${ticker}-${n}`
      const answer: Answer = { status: 0, id: null, key, code: undefined, ticker, url: target.url }
      try {
        const reply = await target.post(orderBody({ ticker, quantity: n, clientOrderId: key }))
        answer.status = reply.status
        answer.code = reply.json['code']
        answer.id = reply.status === 202 ? String(reply.json['id']) : null
      } catch {
        await Bun.sleep(50)
      }
      answers.push(answer)
      if (answer.id !== null && cancelEvery > 0 && n % cancelEvery === 0)
        await target.http(`/orders/${answer.id}/cancel`, { method: 'POST' }).catch(() => undefined)
      await Bun.sleep(pauseMs)
    }
  }
  const running = Array.from({ length: clients }, (_, name) => client(name))
  return {
    answers,
    async next(count, is = () => true) {
      const from = answers.length
      const since = () => answers.slice(from)
      const found = () => since().filter(is)
      const enough = () =>
        count === 'one each' ? new Set(found().map(({ ticker }) => ticker)).size === clients : found().length >= count
      await until(enough, { what: `answers of the load as wanted: ${count}, ${String(is)}` })
      return since()
    },
    async stop() {
      stopping.abort()
      await Promise.all(running)
      return answers
    },
  }
}

export type Verdict = { orders: number; events: number; repeats: number }

const orderIdOf = ({ value }: Received): string => String(JSON.parse(value!).orderId)

/** The first occurrence of each event; checks that one eventId is one order and one order has one eventId. */
export const distinctEvents = (events: readonly Received[]): Received[] => {
  const firsts = distinct(events)
  const ids = firsts.map(orderIdOf)
  expect(new Set(ids).size).toBe(ids.length)
  return firsts
}

/** Checks that the accepted orders of each ticker stand on the topic in the order of their quantities. */
const expectInOrder = (events: readonly Received[], acknowledged: ReadonlySet<string>): void => {
  for (const [ticker, own] of Map.groupBy(events, ({ key }) => key)) {
    const accepted = own.filter((event) => acknowledged.has(orderIdOf(event)))
    const quantities = accepted.map(({ value }) => Number(JSON.parse(value!).quantity))
    expect({ ticker, quantities }).toEqual({ ticker, quantities: quantities.toSorted((a, b) => a - b) })
  }
}

/**
 * Waits until the outbox is empty after a load, then checks: every 202 is an order and no 503 is one; every order has exactly its
 * events and every event has its order; the events of each ticker stand in the order of acceptance.
 */
export const judgeLoad = async (world: World, answers: readonly Answer[]): Promise<Verdict> => {
  await world.outboxEmpty()
  const acknowledged = new Set(answers.map(({ id }) => id).filter((id) => id !== null))
  const rows = await world.sql<{ id: string; key: string; status: string }[]>`
    select id, client_order_id as key, status from orders`
  const stored = new Set(rows.map(({ id }) => id))
  expect(acknowledged.difference(stored)).toEqual(new Set())
  const refused = new Set(answers.filter(({ status }) => status === 503).map(({ key }) => key))
  expect(refused.intersection(new Set(rows.map(({ key }) => key)))).toEqual(new Set())

  const [placed, cancelled] = await Promise.all([
    world.kafka.readAll(world.topics.placed),
    world.kafka.readAll(world.topics.cancelled),
  ])
  const [placements, cancellations] = [distinctEvents(placed), distinctEvents(cancelled)]
  expect(new Set(placements.map(orderIdOf))).toEqual(stored)
  expect(new Set(cancellations.map(orderIdOf))).toEqual(
    new Set(rows.filter(({ status }) => status === 'CANCELED').map(({ id }) => id)),
  )
  expectInOrder(placements, acknowledged)
  const events = placements.length + cancellations.length
  return { orders: stored.size, events, repeats: placed.length + cancelled.length - events }
}
