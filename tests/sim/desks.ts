// Those who act on many orders at once: a desk that halts and resumes trading, users who hold a dead man's switch, and somebody who cancels
// what a user or a ticker has.

import { everybody, type Call } from '../../src/app/caller.ts'
import type { CancelScope } from '../../src/store/covered.ts'
import type { Random } from '../support/random.ts'
import type { Fleet } from './fleet.ts'
import { describeAnswer, type Arming, type Journal, type MassCanceling, type Trading } from './journal.ts'
import { tickers } from './postgres/tickers.ts'
import { checkMassAnswer } from './promises/sweeps.ts'
import type { Owner } from './scheduler.ts'
import { epochMs, type World } from './world.ts'

type Desk = { world: World; fleet: Fleet; journal: Journal; random: Random; owner: Owner; acts: number }

/** Places an order of this user, once. */
type Place = (owner: Owner, userId: string) => Promise<void>

const triesMax = 12
const callOf = (tag: string): Call => ({ caller: everybody, requestId: tag, traceparent: tag })
const tagOf = (desk: Desk): string => `${desk.owner.name}-${++desk.acts}`

const isCertain = (answer: Trading['answer']): boolean => answer?.result?.ok === true

const changeOnce = async (desk: Desk, change: Pick<Trading, 'ticker' | 'state' | 'cancelOpen'>): Promise<Trading> => {
  const { world, fleet, journal, owner } = desk
  const sentAt = world.scheduler.now()
  const trading: Trading = { ...change, tag: tagOf(desk), sentAt, answer: null, answeredAt: Infinity }
  journal.tradings.push(trading)
  const name = `${trading.tag} ${change.state} ${change.ticker ?? 'all'}`
  trading.answer = await fleet.call(owner, name, (service) =>
    service.changeTrading(
      callOf(trading.tag),
      { ...change, limits: undefined },
      { by: 'the desk', note: 'a simulated run' },
    ),
  )
  trading.answeredAt = world.scheduler.now()
  world.log(`${trading.tag} changed: ${describeAnswer(trading.answer)}`)
  return trading
}

const insist = async (desk: Desk, change: Parameters<typeof changeOnce>[1]): Promise<void> => {
  for (let tries = 0; tries < triesMax; tries++) {
    if (isCertain((await changeOnce(desk, change)).answer)) return
    await desk.world.scheduler.pause(50 + desk.random.skewed(800))
  }
}

/** In the end it trades again, whatever was lost. */
const haltAndResume = async (desk: Desk): Promise<void> => {
  const { world, random } = desk
  for (let i = 0; i < world.plan.halts; i++) {
    await world.scheduler.pause(random.skewed(1_500))
    const ticker = random.chance(0.3) ? undefined : tickers[random.int(0, world.plan.tickers - 1)]!
    await insist(desk, { ticker, state: 'HALTED', cancelOpen: random.chance(0.3) })
    await world.scheduler.pause(random.skewed(1_200))
    await insist(desk, { ticker, state: 'ACTIVE', cancelOpen: false })
  }
}

const armOnce = async (desk: Desk, userId: string, timeoutMs: number): Promise<Arming> => {
  const { world, fleet, journal, owner } = desk
  const sentAt = world.scheduler.now()
  const arming: Arming = { tag: tagOf(desk), userId, timeoutMs, sentAt, answer: null, answeredAt: Infinity }
  journal.armings.push(arming)
  arming.answer = await fleet.call(owner, `${arming.tag} arms ${timeoutMs}`, (service) =>
    service.cancelAfter(callOf(arming.tag), { userId, timeoutMs }),
  )
  arming.answeredAt = world.scheduler.now()
  world.log(`${arming.tag} armed: ${describeAnswer(arming.answer)}`)
  return arming
}

const unreached = ({ answer }: Arming): boolean =>
  (answer?.result === null && answer.why === 'unreached') ||
  (answer?.result?.ok === false && answer.result.code === 'OVERLOADED')

/** Once an answer was lost it is somebody else: what comes then may be overtaken by what was lost. */
const holdSwitch = async (desk: Desk, place: Place): Promise<void> => {
  const { world, random, owner } = desk
  const newUser = (): string => random.uuidv7(new Date(epochMs))
  let userId = newUser()
  for (let i = random.int(3, 8); i > 0; i--) {
    const timeoutMs = random.chance(0.2) ? 0 : random.int(300, 2_000)
    const arming = await armOnce(desk, userId, timeoutMs)
    if (arming.answer?.result?.ok !== true && !unreached(arming)) userId = newUser()
    for (let orders = random.int(0, 2); orders > 0; orders--) await place(owner, userId)
    await world.scheduler.pause(random.chance(0.5) ? random.next() * timeoutMs * 1.5 : timeoutMs + random.next() * 20)
  }
}

const someScope = ({ random, world, journal }: Desk): CancelScope => {
  const side = random.chance(0.3) ? random.pick(['BUY', 'SELL'] as const) : null
  const ticker = tickers[random.int(0, world.plan.tickers - 1)]!
  if (random.chance(0.3)) return { userId: null, ticker, side }
  return { userId: random.pick(journal.users), ticker: random.chance(0.3) ? ticker : null, side }
}

const cancelMany = async (desk: Desk): Promise<void> => {
  const { world, fleet, journal, random, owner } = desk
  for (let i = 0; i < world.plan.massCancels; i++) {
    await world.scheduler.pause(random.skewed(1_500))
    const [scope, sentAt] = [someScope(desk), world.scheduler.now()]
    const mass: MassCanceling = { tag: tagOf(desk), scope, sentAt, answer: null, answeredAt: Infinity }
    journal.massCancelings.push(mass)
    mass.answer = await fleet.call(owner, `${mass.tag} cancels ${JSON.stringify(scope)}`, (service) =>
      service.cancelMany(callOf(mass.tag), scope).then((answer) => {
        // What it says holds when it leaves the replica.
        if (answer.ok) checkMassAnswer({ ...world, journal }, { ...mass, answer: { result: answer } })
        return answer
      }),
    )
    mass.answeredAt = world.scheduler.now()
    world.log(`${mass.tag} canceled many: ${describeAnswer(mass.answer)}`)
  }
}

/** Starts them; the answer says whether all are done. */
export const startDesks = (world: World, fleet: Fleet, journal: Journal, place: Place): (() => boolean) => {
  const { plan, scheduler } = world
  let active = 0
  const start = (name: string, act: (desk: Desk) => Promise<void>): void => {
    active++
    const desk = { world, fleet, journal, random: world.random.fork(), owner: { name, alive: true }, acts: 0 }
    scheduler.after(world.random.next() * 500, desk.owner, () => void act(desk).then(() => active--))
  }
  if (plan.halts > 0) start('desk', haltAndResume)
  if (plan.massCancels > 0) start('many', cancelMany)
  for (let i = 1; i <= plan.switches; i++) start(`s${i}`, (desk) => holdSwitch(desk, place))
  return () => active === 0
}
