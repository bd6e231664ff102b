// Those who act on many orders at once, each one thing after the other: a desk that halts and resumes trading, users with a dead man's switch,
// and users who cancel all that they have.

import type { Random } from '../support/random.ts'
import type { Scope } from './checker/controlEvidence.ts'
import type { Answer, Terms } from './checker/evidence.ts'
import type { Request } from './clientLog.ts'
import { drawTerms, tickers } from './orderMix.ts'
import type { Sender } from './sender.ts'

export type DesksOptions = {
  send: Sender
  rng: Random
  /** The users whose orders have keys. */
  users: readonly string[]
  /** Places an order, and insists. */
  place: (terms: Terms) => Promise<void>
}

export type Desks = {
  goOn: () => void
  /** Resumes trading, and ends when nobody acts any more. */
  pause: () => Promise<void>
}

/** Halts that the run holds most orders against: the others trade all the time. */
const haltable = tickers.slice(-5)
const allShare = 0.05
const cancelOpenShare = 0.3
const switchUsers = 3
const patientMs = 8_000
const attemptsMax = 20
const pauseMs: readonly [number, number] = [50, 400]

type Desk = DesksOptions & { signal: AbortSignal }

const isAnswered = ({ status }: Answer): boolean => status !== 0 && status < 500
const hasLeft = ({ status, error }: Answer): boolean => status !== 503 && error !== 'refused'

const rest = ({ rng }: Pick<Desk, 'rng'>, [least, most]: readonly [number, number] = pauseMs) =>
  Bun.sleep(rng.int(least, most))

const insist = async (desk: Pick<Desk, 'send' | 'rng'>, request: Request): Promise<boolean> => {
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    if (isAnswered(await desk.send(request, patientMs))) return true
    await rest(desk)
  }
  return false
}

/** A ticker that could not be resumed stays in `halted`. */
const trade = async (desk: Desk, halted: Set<string | null>): Promise<void> => {
  const { rng, signal } = desk
  await rest(desk, [300, 2_500])
  if (signal.aborted) return
  const ticker = rng.chance(allShare) ? null : rng.pick(haltable)
  const cancelOpen = rng.chance(cancelOpenShare)
  halted.add(ticker)
  await insist(desk, { op: 'trading', ticker, state: 'HALTED', cancelOpen })
  await rest(desk, ticker === null ? [200, 800] : [300, 2_500])
  await resume(desk, halted)
}

const resume = async (desk: Pick<Desk, 'send' | 'rng'>, halted: Set<string | null>): Promise<void> => {
  for (const ticker of halted)
    if (await insist(desk, { op: 'trading', ticker, state: 'ACTIVE', cancelOpen: false })) halted.delete(ticker)
}

/** Arms its switch again and again, sometimes too late, and has orders meanwhile. Once an answer was lost it is somebody else. */
const hold = async (desk: Desk): Promise<void> => {
  const { send, rng, place, signal } = desk
  const userId = rng.uuid()
  for (let turns = rng.int(2, 8); turns > 0 && !signal.aborted; turns--) {
    const timeoutMs = rng.chance(0.15) ? 0 : rng.int(1_000, 2_500)
    const answer = await send({ op: 'arm', at: Date.now(), userId, timeoutMs }, rng.chance(0.1) ? 40 : patientMs)
    if (!isAnswered(answer) && hasLeft(answer)) return
    for (let orders = rng.int(0, 3); orders > 0; orders--)
      await place(drawTerms(rng, userId, `k-${crypto.randomUUID()}`))
    await rest(desk, [100, Math.max(300, Math.round(timeoutMs * 1.3))])
  }
}

const someScope = ({ rng, users }: Desk): Scope => {
  const side = rng.chance(0.3) ? rng.pick(['BUY', 'SELL']) : null
  if (rng.chance(0.15)) return { userId: null, ticker: rng.pick(tickers), side }
  return { userId: rng.pick(users), ticker: rng.chance(0.2) ? rng.pick(tickers) : null, side }
}

const cancelMany = async (desk: Desk): Promise<void> => {
  await rest(desk, [200, 2_500])
  if (!desk.signal.aborted)
    await desk.send({ op: 'mass', scope: someScope(desk) }, desk.rng.chance(0.1) ? desk.rng.int(5, 60) : patientMs)
}

/** Starts paused. */
export const createDesks = (options: DesksOptions): Desks => {
  const halted = new Set<string | null>()
  let stop = new AbortController()
  let running: Promise<unknown> | null = null

  const keepOn = async (act: (desk: Desk) => Promise<void>, signal: AbortSignal): Promise<void> => {
    const desk = { ...options, rng: options.rng.fork(), signal }
    while (!signal.aborted) {
      await act(desk)
      // Where nobody listens, an act is over at once.
      await rest(desk)
    }
  }

  return {
    goOn() {
      if (running !== null) return
      stop = new AbortController()
      const { signal } = stop
      const switches = Array.from({ length: switchUsers }, () => keepOn(hold, signal))
      running = Promise.all([keepOn((desk) => trade(desk, halted), signal), keepOn(cancelMany, signal), ...switches])
    },
    async pause() {
      stop.abort()
      await running
      running = null
      await resume(options, halted)
    },
  }
}
