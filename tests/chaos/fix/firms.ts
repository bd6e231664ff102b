// Firms that trade by FIX and never stop: one process of QuickFIX/J with some sessions, whose connections are cut and which is killed. They place,
// repeat what they are not sure of (PossResend), and cancel. Their requests and answers stand in the clients' log as those of HTTP do; what
// they were told stands in logs of their own.

import { join } from 'node:path'
import {
  createFirm,
  type Fields,
  type Firm,
  type FirmSession,
  type FixMessage,
  type Happened,
} from '../../fix/client/firm.ts'
import { settingsFor } from '../../fix/client/sessions.ts'
import type { Random } from '../../support/random.ts'
import type { Terms } from '../checker/evidence.ts'
import type { ClientLog } from '../clientLog.ts'
import { drawTerms } from '../orderMix.ts'
import { answerTo } from './answers.ts'
import { fixDir, openFixLog, type FixLog } from './fixLog.ts'
import { fixSessions } from './sessions.ts'

export type Firms = {
  goOn: () => void
  /** Begins no new requests, and does no harm any more. */
  pause: () => void
  /** Waits until nothing comes any more on sessions that are logged on, or the limit has passed; notes for each which. */
  drain: () => Promise<void>
  /** What was done to the firms, for a person. */
  said: () => string
  close: () => Promise<void>
}

export type FirmsOptions = { dir: string; ports: readonly [number, number]; log: ClientLog; rng: Random }

const tickMs = 100
/** Requests of a session in a second, about. */
const perSecond = 5
const knownMax = 500
const drainLimitMs = 60_000
const quietMs = 3_000

type Placed = { id: string; terms: Terms }
type Desk = {
  id: string
  userId: string
  session: FirmSession
  log: FixLog
  /** By ClOrdID: the numbers in the clients' log of requests that are not answered, oldest first. */
  asked: Map<string, number[]>
  /** By number of the session: the ClOrdID. */
  keys: Map<number, string>
  terms: Map<string, Terms>
  orders: Placed[]
  seen: Set<number>
  loggedOn: boolean
  heardAt: number
}

const typeCodes: Readonly<Record<string, number>> = { MARKET: 1, LIMIT: 2, STOP: 3, STOP_LIMIT: 4 }
const timeInForceCodes: Readonly<Record<string, number>> = { DAY: 0, GTC: 1, IOC: 3, FOK: 4, GTD: 6 }
const fixTime = (iso: string): string => iso.replaceAll('-', '').replace('T', '-').replace('Z', '')
const sideOf = ({ side }: Terms): number => (side === 'BUY' ? 1 : 2)

const orderFields = (terms: Terms): Fields => ({
  11: terms.key!,
  55: terms.ticker,
  54: sideOf(terms),
  38: terms.quantity,
  40: typeCodes[terms.type]!,
  59: timeInForceCodes[terms.timeInForce]!,
  60: fixTime(new Date().toISOString()),
  ...(terms.price === null ? {} : { 44: terms.price }),
  ...(terms.stopPrice === null ? {} : { 99: terms.stopPrice }),
  ...(terms.displayQuantity === null ? {} : { 111: terms.displayQuantity }),
  ...(terms.postOnly ? { 18: 6 } : {}),
  ...(terms.expiresAt === null ? {} : { 126: fixTime(terms.expiresAt) }),
})

const ask = (desk: Desk, key: string, number: number): void => {
  const before = desk.asked.get(key)
  if (before === undefined) desk.asked.set(key, [number])
  else before.push(number)
}

const place = (desk: Desk, log: ClientLog, terms: Terms, again: Fields): void => {
  const key = terms.key!
  desk.terms.set(key, terms)
  ask(desk, key, log.sent({ op: 'place', terms, fix: { session: desk.id, key } }))
  desk.session.send('D', { ...orderFields(terms), ...again })
}

const cancel = (desk: Desk, log: ClientLog, { id, terms }: Placed): void => {
  const key = `c-${crypto.randomUUID()}`
  ask(desk, key, log.sent({ op: 'delete', orderId: id, fix: { session: desk.id, key } }))
  desk.session.send('F', {
    11: key,
    41: terms.key!,
    55: terms.ticker,
    54: sideOf(terms),
    60: fixTime(new Date().toISOString()),
  })
}

const act = (desk: Desk, log: ClientLog, rng: Random): void => {
  const draw = rng.next()
  if (desk.orders.length > 0 && draw < 0.2) cancel(desk, log, rng.pick(desk.orders.slice(-10)))
  else if (desk.orders.length > 0 && draw < 0.28) place(desk, log, rng.pick(desk.orders).terms, { 97: 'Y' })
  else place(desk, log, drawTerms(rng, desk.userId, `f-${crypto.randomUUID()}`), {})
}

const take = (desk: Desk, message: FixMessage, log: ClientLog): void => {
  desk.log.write({ received: message.fields })
  if (desk.seen.has(message.number)) return
  desk.seen.add(message.number)
  const answer = answerTo(message, (number) => desk.keys.get(number))
  if (answer === null) return
  const number = desk.asked.get(answer.key)?.shift()
  if (number !== undefined) log.answered({ answer: number, at: Date.now(), ...answer.says })
  const terms = desk.terms.get(answer.key)
  const { status, orderId: id, replayed } = answer.says
  if (status !== 202 || id === undefined || terms === undefined || replayed === true) return
  desk.orders.push({ id, terms })
  if (desk.orders.length > knownMax) desk.orders.splice(0, knownMax / 2)
}

const hear = (desk: Desk, { event, message }: Happened, log: ClientLog): void => {
  if (event === 'logon' || event === 'logout') desk.loggedOn = event === 'logon'
  if (event === 'received') {
    desk.heardAt = performance.now()
    take(desk, message!, log)
  }
  // What goes out again has PossDup.
  if (event === 'sending' && /^[DF]$/.test(message!.type) && message!.fields[43] !== 'Y') {
    const key = message!.fields[11]!
    desk.keys.set(message!.number, key)
    desk.log.write({ sent: message!.number, type: message!.type, key })
  }
}

/** One connection is cut, or the firm is killed and comes back. */
const harm = async (firm: Firm, desks: readonly Desk[], rng: Random, done: (what: string) => void): Promise<void> => {
  if (rng.chance(0.75)) {
    rng.pick(desks).session.cut()
    return done('cuts')
  }
  for (const desk of desks) desk.loggedOn = false
  await firm.kill()
  done('kills')
  await Bun.sleep(rng.int(50, 1_500))
  for (const { session } of desks) await session.open()
}

export const startFirms = async ({ dir, ports, log, rng }: FirmsOptions): Promise<Firms> => {
  const byName = new Map<string, Desk>()
  const firm = createFirm({
    dir: join(dir, 'firms'),
    onHappened: (session, happened) => hear(byName.get(session)!, happened, log),
  })
  for (const { id, userId } of fixSessions) {
    const [first, second] = rng.chance(0.5) ? ports : [ports[1], ports[0]]
    const settings = { ...settingsFor(id, first), SocketConnectHost1: '127.0.0.1', SocketConnectPort1: String(second) }
    byName.set(id, {
      id,
      userId,
      session: firm.session(id, settings),
      log: openFixLog(fixDir(dir), id),
      asked: new Map(),
      keys: new Map(),
      terms: new Map(),
      orders: [],
      seen: new Set(),
      loggedOn: false,
      heardAt: performance.now(),
    })
  }
  const desks = [...byName.values()]
  for (const { session } of desks) await session.open()
  const counts: Record<string, number> = {}
  let running = false
  let harming: Promise<void> | null = null
  let harmAt = performance.now() + 3_000
  const tick = (): void => {
    if (!running || harming !== null) return
    if (performance.now() >= harmAt) {
      harming = harm(firm, desks, rng, (what) => (counts[what] = (counts[what] ?? 0) + 1)).finally(() => {
        harming = null
        harmAt = performance.now() + rng.int(1_500, 5_000)
      })
      return
    }
    for (const desk of desks) if (rng.chance((perSecond * tickMs) / 1000)) act(desk, log, rng)
  }
  const timer = setInterval(tick, tickMs)
  const isQuiet = ({ loggedOn, heardAt }: Desk): boolean => loggedOn && performance.now() - heardAt >= quietMs
  return {
    goOn: () => void (running = true),
    pause: () => void (running = false),
    async drain() {
      await harming
      const limit = performance.now() + drainLimitMs
      for (const desk of desks) desk.heardAt = performance.now()
      while (!desks.every(isQuiet) && performance.now() < limit) await Bun.sleep(tickMs)
      for (const desk of desks) desk.log.drained(isQuiet(desk))
    },
    said: () =>
      Object.entries(counts)
        .map(([what, n]) => `${n} ${what}`)
        .join(', '),
    async close() {
      clearInterval(timer)
      await harming
      await firm.kill()
      for (const desk of desks) desk.log.close()
    },
  }
}
