// Clients: they place, repeat under the same key when they are unsure, reuse keys wrongly, cancel, cancel again, and read
// promised orders.

import { everybody, type Call } from '../../src/app/caller.ts'
import { wholeAmount } from '../../src/domain/decimal.ts'
import type { OrderTerms } from '../../src/domain/terms.ts'
import type { Random } from '../support/random.ts'
import { startDesks } from './desks.ts'
import type { Fleet } from './fleet.ts'
import { describeAnswer, type Canceling, type Journal, type Placing, type Voiding } from './journal.ts'
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
  `${owner.name}-${journal.placings.length + journal.cancelings.length + journal.voidings.length}`

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

/** Some at once; the last may have the key of the first. */
const placeBatch = async (client: Client, orders: readonly OrderTerms[], versions: Versions): Promise<void> => {
  const { journal, fleet, owner, world } = client
  const tag = tagOf(client)
  const placings = orders.map((terms): Placing => ({ tag, terms, poison: false, answer: null, answeredAt: Infinity }))
  journal.placings.push(...placings)
  const { result, ...lost } = await fleet.call(owner, `place ${tag}, ${orders.length} at once`, (service) =>
    service.placeMany(callOf(tag), orders),
  )
  for (const [i, placing] of placings.entries()) {
    placing.answer = result === null ? ({ result, ...lost } as Placing['answer']) : { result: result[i]! }
    placing.answeredAt = world.scheduler.now()
    world.log(`${tag} placed number ${i}: ${describeAnswer(placing.answer!)}`)
    if (result?.[i]?.ok === true) see(versions, result[i].order)
  }
}

/** Makes certain that no order has the key; whether that was answered. */
const voidOnce = async (client: Client, clientOrderId: string): Promise<boolean> => {
  const { journal, fleet, owner, world, userId } = client
  const sentAt = world.scheduler.now()
  const voiding: Voiding = { tag: tagOf(client), userId, clientOrderId, sentAt, answer: null, answeredAt: Infinity }
  journal.voidings.push(voiding)
  voiding.answer = await fleet.call(owner, `void ${voiding.tag} of ${clientOrderId}`, (service) =>
    service.void(callOf(voiding.tag), { userId, clientOrderId }),
  )
  voiding.answeredAt = world.scheduler.now()
  world.log(`${voiding.tag} voided: ${describeAnswer(voiding.answer)}`)
  return voiding.answer.result?.ok === true
}

/** Repeats an order until its outcome is certain, or makes its key void; then somebody may repeat the order all the same. */
const placeOrVoid = async (client: Client, terms: OrderTerms, versions: Versions): Promise<void> => {
  const { random, world } = client
  for (let tries = 0; tries < triesMax && isOpen(await placeOnce(client, terms, versions)); tries++) {
    if (random.chance(0.4) && (await voidOnce(client, terms.clientOrderId!)) && random.chance(0.7)) return
    await world.scheduler.pause(50 + random.skewed(1_500))
  }
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
  if (random.chance(client.world.plan.batches)) {
    const orders = Array.from({ length: random.int(2, 5) }, (_, i) =>
      termsOf(client, random.chance(0.5) ? `${key}-${random.chance(0.2) ? 0 : i}` : null),
    )
    return placeBatch(client, orders, versions)
  }
  const what = random.next()
  if (what < 0.2) {
    // The cancel comes about when the first fills do.
    const { answer } = await placeOnce(client, termsOf(client, null), versions)
    await client.world.scheduler.pause(random.skewed(400))
    if (answer?.result?.ok === true) await cancelOnce(client, answer.result.order.id, versions)
  } else if (what < 0.5) {
    const terms = termsOf(client, key)
    await placeOrVoid(client, terms, versions)
    // A void that comes with the order, or after it.
    if (random.chance(0.1)) await voidOnce(client, key)
    if (random.chance(0.1)) await placeOnce(client, { ...terms, quantity: terms.quantity + 1n }, versions)
  } else if (what < 0.62) await placeOnce(client, termsOf(client, null), versions)
  else if (what < 0.72) {
    const terms = termsOf(client, key)
    const other = random.chance(0.5) ? terms : termsOf(client, key)
    const another = random.chance(0.4) ? voidOnce(client, key) : placeOnce(client, other, versions)
    await Promise.all([placeOnce(client, terms, versions), another])
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
  const placeFor = async (owner: Owner, userId: string): Promise<void> => {
    const client = { world, fleet, journal, random: world.random.fork(), owner, userId }
    await placeOnce(client, { ...termsOf(client, null), userId }, versions)
  }
  const desksDone = startDesks(world, fleet, journal, placeFor)
  return () => active === 0 && desksDone()
}
