// Clients: they place, repeat under the same key when they are unsure, reuse keys wrongly, cancel, cancel again, and read
// promised orders.

import { everybody, type Call } from '../../src/app/caller.ts'
import { wholeAmount } from '../../src/domain/decimal.ts'
import type { OrderTerms } from '../../src/domain/terms.ts'
import type { Random } from '../support/random.ts'
import type { Fleet } from './fleet.ts'
import { describeAnswer, type Canceling, type Journal, type Placing } from './journal.ts'
import { tickers } from './postgres/tickers.ts'
import type { Owner } from './scheduler.ts'
import { epochMs, type World } from './world.ts'

type Client = { world: World; fleet: Fleet; journal: Journal; random: Random; owner: Owner; userId: string }

/** The promised orders, with the highest version that any client saw. */
type Versions = Map<string, number>

const triesMax = 12

/** A trace that Postgres takes in no row. */
const unstorable = 'nul \0'

const someTimeInForce = (random: Random, plan: World['plan'], stops: boolean): OrderTerms['timeInForce'] => {
  if (random.chance(plan.expiring)) return random.pick(['GTD', 'DAY'])
  return !stops && random.chance(plan.immediate) ? random.pick(['IOC', 'FOK']) : 'GTC'
}

const termsOf = ({ random, userId, world }: Client, clientOrderId: string | null): OrderTerms => {
  const { plan, scheduler } = world
  const [stops, market] = [random.chance(plan.stops), random.chance(0.15)]
  const timeInForce = someTimeInForce(random, plan, stops)
  const endsAt = new Date(epochMs + scheduler.now() + random.int(900, 1_100 + plan.endsWithinMs))
  return {
    userId,
    clientOrderId,
    ticker: tickers[random.int(0, plan.tickers - 1)]!,
    side: random.pick(['BUY', 'SELL']),
    type: stops ? (market ? 'STOP' : 'STOP_LIMIT') : market ? 'MARKET' : 'LIMIT',
    timeInForce,
    quantity: wholeAmount(random.int(1, 10)),
    price: market ? null : wholeAmount(random.int(1, 5)),
    stopPrice: stops ? wholeAmount(random.int(1, 5)) : null,
    displayQuantity: null,
    postOnly: null,
    expiresAt: timeInForce === 'GTD' ? endsAt.toISOString() : null,
  }
}

/** Everybody may do everything here. The tag goes where the trace context does, so that it is found again beside the event. */
const callOf = (tag: string): Call => ({ caller: everybody, requestId: tag, traceparent: tag })

const tagOf = ({ journal, owner }: Client): string =>
  `${owner.name}-${journal.placings.length + journal.cancelings.length}`

const placeOnce = async (client: Client, terms: OrderTerms, versions: Versions, poison = false): Promise<Placing> => {
  const { journal, fleet, owner, world } = client
  const placing: Placing = { tag: tagOf(client), terms, poison, answer: null, answeredAt: Infinity }
  journal.placings.push(placing)
  const name = `place ${placing.tag} ${terms.clientOrderId ?? ''}`
  const answer = await fleet.call(owner, name, (service) =>
    service.place(callOf(poison ? unstorable : placing.tag), { terms, formerKey: null }),
  )
  placing.answer = answer
  placing.answeredAt = world.scheduler.now()
  world.log(`${placing.tag} placed: ${describeAnswer(answer)}`)
  if (answer.result?.ok === true) see(versions, answer.result.order)
  return placing
}

const see = (versions: Versions, { id, version }: { id: string; version: number }): void =>
  void versions.set(id, Math.max(version, versions.get(id) ?? 0))

/** Whether the client must ask again, with the same key. */
const isOpen = ({ answer }: Pick<Placing, 'answer'> | Canceling): boolean =>
  answer === null ||
  answer.result === null ||
  (!answer.result.ok && (answer.result.code === 'OVERLOADED' || answer.result.code === 'OUTCOME_UNKNOWN'))

const insist = async (client: Client, once: () => Promise<Placing | Canceling>): Promise<void> => {
  for (let tries = 0; tries < triesMax && isOpen(await once()); tries++)
    await client.world.scheduler.pause(50 + client.random.skewed(1_500))
}

const someCancelTerms = (random: Random, version: number | undefined): Canceling['terms'] => ({
  remaining: random.chance(0.5),
  // The version that was seen last, which may be old by now.
  ...(version !== undefined && random.chance(0.15) && { versions: [version] }),
})

const cancelOnce = async (client: Client, id: string, versions: Versions): Promise<Canceling> => {
  const { journal, fleet, owner, world, random } = client
  const terms = someCancelTerms(random, versions.get(id))
  const canceling: Canceling = { tag: tagOf(client), id, terms, answer: null }
  journal.cancelings.push(canceling)
  const answer = await fleet.call(owner, `cancel ${canceling.tag} of ${id}`, (service) =>
    service.cancel(callOf(canceling.tag), id, terms),
  )
  canceling.answer = answer
  world.log(`${canceling.tag} canceled: ${describeAnswer(answer)}`)
  if (answer.result?.ok === true) see(versions, answer.result.order)
  return canceling
}

/** Every client can read a promised order, at no older version than any client has seen. */
const find = async ({ fleet, owner, world }: Client, id: string, versions: Versions): Promise<void> => {
  const version = versions.get(id)!
  const { result } = await fleet.call(owner, `find ${id}`, (service) => service.find(callOf(owner.name), id))
  if (result === null) return
  if (!result.ok) {
    if (result.code === 'NOT_FOUND') world.broken(`order ${id} was promised and cannot be found`)
    return
  }
  world.log(`${id} found at version ${result.order.version}`)
  if (result.order.version < version) world.broken(`order ${id} was read at an older version than before`)
  see(versions, result.order)
}

const act = async (client: Client, versions: Versions, key: string): Promise<void> => {
  const { random } = client
  const someOrder = (): string => random.pick([...versions.keys()])
  const what = random.next()
  if (what < 0.2) {
    // The cancel comes about when the first fills do.
    const { answer } = await placeOnce(client, termsOf(client, null), versions)
    await client.world.scheduler.pause(random.skewed(400))
    if (answer?.result?.ok === true) await cancelOnce(client, answer.result.order.id, versions)
  } else if (what < 0.5) {
    const terms = termsOf(client, key)
    await insist(client, () => placeOnce(client, terms, versions))
    if (random.chance(0.1)) await placeOnce(client, { ...terms, quantity: terms.quantity + 1n }, versions)
  } else if (what < 0.62) await placeOnce(client, termsOf(client, null), versions)
  else if (what < 0.72) {
    const terms = termsOf(client, key)
    const other = random.chance(0.5) ? terms : termsOf(client, key)
    await Promise.all([placeOnce(client, terms, versions), placeOnce(client, other, versions)])
  } else if (what < 0.75) await placeOnce(client, termsOf(client, null), versions, true)
  else if (what < 0.77) await cancelOnce(client, random.uuidv7(new Date(epochMs)), versions)
  else if (versions.size === 0) return
  else if (what < 0.92) {
    const id = someOrder()
    if (random.chance(0.2)) await Promise.all([cancelOnce(client, id, versions), cancelOnce(client, id, versions)])
    else await insist(client, () => cancelOnce(client, id, versions))
  } else await find(client, someOrder(), versions)
}

/** Starts them; the answer says whether all are done. */
export const startClients = (world: World, fleet: Fleet, journal: Journal): (() => boolean) => {
  const { plan, scheduler } = world
  const versions: Versions = new Map()
  let active = plan.clients

  const live = async (client: Client): Promise<void> => {
    for (let i = 0; i < plan.actionsPerClient; i++) {
      await scheduler.pause(client.random.skewed(1_200))
      await act(client, versions, `k${i}`)
    }
    active--
  }

  for (let i = 1; i <= plan.clients; i++) {
    const random = world.random.fork()
    const owner = { name: `c${i}`, alive: true }
    const client = { world, fleet, journal, random, owner, userId: random.uuidv7(new Date(epochMs)) }
    // Two clients may be one user, with the same keys.
    if (i > 1 && random.chance(0.3)) client.userId = `a11ce000-0000-4000-8000-00000000000${i >> 1}`
    journal.users.push(client.userId)
    scheduler.after(random.next() * 200, owner, () => void live(client))
  }
  return () => active === 0
}
