// Proves: this service answers each request of the comparison with the Java service as the table says, with and without JAVA_COMPATIBILITY;
// the table gives a reason exactly where an answer differs; and the handbook's page is what the table says. The binary answers, over a real
// Postgres and Kafka.

import { inRepo } from '../../src/build/repository.ts'
import { afterAll, beforeAll, describe, expect, test } from '../support/explained.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type Trade } from '../support/world.ts'
import { pagePath, withParity } from './page.ts'
import { allCases } from './parity/all.ts'
import { answersOf, isAlike, type Answer, type ParityCase, type Step } from './parity/case.ts'
import { orderOf, send, type Received } from './send.ts'

type Mode = 'ours' | 'switched'
const modes: readonly Mode[] = ['ours', 'switched']

const world = await createWorld()
afterAll(() => world[Symbol.asyncDispose]())
/** Two replicas of one service: whichever of them reads a trade, both answer what it has made of the order. */
let services: Record<Mode, RunningService>

/** An order for each request that is about one, and for each mode. */
const ids: Record<Mode, Map<ParityCase, string>> = { ours: new Map(), switched: new Map() }
const idOf = (mode: Mode, asked: ParityCase): string => ids[mode].get(asked) ?? ''

const needsOrder = ({ path }: ParityCase): boolean => path.includes('{id}')
const subjects = modes.flatMap((mode) => allCases.filter(needsOrder).map((asked) => ({ mode, asked })))

const tradeIdOf = (orderId: string, at: number): string => `${orderId}-${at}`

const tradeFor = (asked: ParityCase, orderId: string, step: Exclude<Step, 'cancel'>, at: number): Trade => {
  const { ticker, side } = orderOf(asked)
  const named = (step.side ?? side) === 'BUY' ? { buyOrderId: orderId } : { sellOrderId: orderId }
  return tradeOf({
    tradeId: tradeIdOf(orderId, step.again === true ? at - 1 : at),
    ticker: step.ticker ?? ticker,
    quantity: step.quantity,
    price: step.price,
    ...named,
  })
}

/** Takes the n-th step of every order that has one; returns whether there was any. */
const takeStep = async (at: number): Promise<boolean> => {
  const trades: Trade[] = []
  let taken = 0
  for (const { mode, asked } of subjects) {
    const step = asked.before?.[at]
    if (step === undefined) continue
    taken++
    const id = idOf(mode, asked)
    if (step !== 'cancel') trades.push(tradeFor(asked, id, step, at))
    else expect((await services.ours.http(`/orders/${id}/cancel`, { method: 'POST' })).status).toBe(200)
  }
  if (trades.length > 0) await world.publishTrades(...trades)
  await world.tradesConsumed()
  return taken > 0
}

beforeAll(async () => {
  services = {
    ours: await world.start(),
    switched: await world.start({ env: { JAVA_COMPATIBILITY: 'true' } }),
  }
  for (const { mode, asked } of subjects) {
    const { status, json } = await services[mode].post(orderOf(asked))
    expect([asked.name, status]).toEqual([asked.name, 202])
    ids[mode].set(asked, String(json['id']))
  }
  for (let at = 0; await takeStep(at); at++);
  // While a replica comes into the group, and partitions move, health is DEGRADED.
  for (const service of Object.values(services)) {
    const isUp = async () => (await service.http('/actuator/health')).json['status'] === 'UP'
    await until(isUp, { what: 'health is UP' })
  }
})

const statusOf = (answers: readonly Received[]): Answer['status'] =>
  answers.length === 1 ? answers[0]!.status : answers.map(({ status }) => status).toSorted((a, b) => a - b)

/** What an answer is, in the words of the table. */
const seen = (answers: readonly Received[], { has = {}, members = [], headers = {} }: Answer): Answer => {
  const [{ json, headers: sent }] = answers as [Received]
  return {
    status: statusOf(answers),
    has: Object.fromEntries(Object.keys(has).map((name) => [name, json?.[name] as string])),
    members: members.filter((name) => json !== null && name in json),
    headers: Object.fromEntries(Object.keys(headers).map((name) => [name, sent.get(name) ?? ''])),
  }
}

const expected = ({ status, has = {}, members = [], headers = {} }: Answer): Answer => ({
  status,
  has,
  members: [...members],
  headers,
})

describe.each(modes)('%s', (mode) => {
  test.each(allCases.map((asked) => [`${asked.method} ${asked.name}`, asked] as const))('%s', async (_, asked) => {
    const answer = answersOf(asked)[mode]
    const copies = Array.from({ length: asked.times ?? 1 }, () => send(services[mode].port, asked, idOf(mode, asked)))
    expect(seen(await Promise.all(copies), answer)).toEqual(expected(answer))
  })
})

describe('the table', () => {
  test('has the 86 requests of the comparison, each once in its section', () => {
    expect(allCases).toHaveLength(86)
    const keys = allCases.map(({ method, path, name }) => `${method} ${path} ${name}`)
    expect(new Set(keys).size).toBe(keys.length)
  })

  test.each(allCases.map((asked) => [`${asked.method} ${asked.name}`, asked] as const))(
    'gives a reason exactly where an answer differs: %s',
    (_, asked) => {
      const { java, ours, switched } = answersOf(asked)
      const isDifferent = !isAlike(java, ours) || !isAlike(java, switched)
      expect(asked.reason !== undefined).toBe(isDifferent)
      // What need not be said is not said.
      if (asked.ours !== undefined) expect(isDifferent).toBeTrue()
      if (asked.switched !== undefined) expect(asked.switched).not.toEqual(ours)
    },
  )
})

test(`${pagePath} is fresh (if not: run \`bun run docs\`)`, async () => {
  const text = await Bun.file(inRepo(pagePath)).text()
  expect(text).toBe(withParity(text))
})
