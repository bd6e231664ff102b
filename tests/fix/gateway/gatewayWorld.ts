// Gateways on a database of their own, as several replicas of the service have them, that can die between any two things they do.

import { applyTrades } from '../../../src/app/fill.ts'
import type { FixSession as HeldSession, FixUseCases } from '../../../src/app/fix.ts'
import type { LogPages } from '../../../src/app/logPages.ts'
import { createService } from '../../../src/app/service.ts'
import { amountDigits } from '../../../src/domain/decimal.ts'
import { weekdays, type Calendar } from '../../../src/domain/session.ts'
import { createGateway } from '../../../src/fix/gateway/gateway.ts'
import type { Gateway } from '../../../src/fix/gateway/types.ts'
import { parseSessions, type FixSessions } from '../../../src/fix/sessionsFile.ts'
import { createLogPages } from '../../../src/tail/pages/pages.ts'
import { hashOf } from '../../../src/wire/secret.ts'
import { aTrade, newId, type TradeChanges } from '../../support/builders.ts'
import { createDatabase, servicePools } from '../../support/database.ts'
import { logOf } from '../../support/logRows.ts'
import { quietLog } from '../../support/quietLog.ts'
import { createTrader, type TraderOptions } from './trader.ts'

const password = 'a password of 256 bits, as it were'

const calendar: Calendar = { close: '16:00', timeZone: 'America/New_York', days: weekdays, holidays: new Map() }

/** A process that dies at its `at`-th thing: nothing that it does afterwards happens. */
export const createFate = (at: number) => {
  const died = Promise.withResolvers<false>()
  const never = new Promise<never>(() => undefined)
  let count = 0
  let isDead = false
  return {
    isDead: () => isDead,
    died: died.promise,
    /** How many things it has done. */
    count: () => count,
    /** One thing more. False: it died before. */
    step(): boolean {
      if (!isDead && ++count === at) {
        isDead = true
        died.resolve(false)
      }
      return !isDead
    },
    /** What comes of it, unless the process dies before or after it. */
    async live<T>(does: () => Promise<T>): Promise<T> {
      if (!this.step()) return never
      const done = await does()
      return this.step() ? done : never
    },
  }
}
export type Fate = ReturnType<typeof createFate>

const mortalSession = (held: HeldSession, fate: Fate): HeldSession => ({
  taken: held.taken,
  place: (message) => fate.live(() => held.place(message)),
  cancel: (message) => fate.live(() => held.cancel(message)),
  step: (message) => fate.live(() => held.step(message)),
  report: (message) => fate.live(() => held.report(message)),
  reset: () => fate.live(() => held.reset()),
  dues: (limit) => fate.live(() => held.dues(limit)),
  sent: (range) => fate.live(() => held.sent(range)),
  waiting: held.waiting,
  release: () => fate.live(() => held.release()),
})

const mortal = (fix: FixUseCases, fate: Fate, onLookUp: () => unknown): FixUseCases => ({
  takeSession: (id) =>
    fate.live(async () => {
      const held = await fix.takeSession(id)
      return held === null ? null : mortalSession(held, fate)
    }),
  renewSessions: async (leases) =>
    fate.isDead() ? new Set(leases.map(({ session }) => session)) : fix.renewSessions(leases),
  lookUp: (users, target) =>
    fate.live(async () => {
      await onLookUp()
      return fix.lookUp(users, target)
    }),
})

const mortalPages = (pages: LogPages, fate: Fate): LogPages => {
  const gone = new AbortController()
  void fate.died.then(() => gone.abort())
  return {
    ...pages,
    follow: (reader, from, { onPage, signal }) =>
      pages.follow(reader, from, {
        onPage: (page) => (fate.isDead() ? Promise.resolve(false) : Promise.race([onPage(page), fate.died])),
        signal: AbortSignal.any([signal, gone.signal]),
      }),
  }
}

export type SessionLine = Record<string, unknown>

export const createGatewayWorld = async () => {
  const database = await createDatabase()
  const { sql } = database
  const bugs: unknown[] = []
  const { log, lines } = quietLog()
  const lineOf = (members: SessionLine): SessionLine => ({
    target: 'ORDERS',
    password: hashOf(password),
    scopes: ['orders:read', 'orders:write'],
    heartbeatMinSeconds: 1,
    ...members,
  })
  let file: SessionLine[] = []
  let sessions: FixSessions = parseSessions('[]')
  const gateways: Gateway[] = []

  const createReplica = ({ pools = servicePools(database), deadlineMs = 30_000 } = {}) => {
    const ring = (): void => replicas.forEach(({ pages }) => pages.ring())
    const service = createService({
      pools,
      limits: { batchMax: 256, lanes: 2, queueMax: 10_000, deadlineMs },
      accepting: () => isAccepting,
      onCommitted: ring,
      onBug: (error) => bugs.push(error),
      log: { info: () => undefined },
      now: () => new Date(),
      newId,
      expiresAt: () => null,
      fixReplicaId: crypto.randomUUID(),
    })
    const db = database.open({ plans: 'log', connections: 3 })
    const pages = createLogPages({ db, lanes: 2, pollMs: 25, now: () => new Date(), log })
    return { service, pages, ring }
  }
  let isAccepting = true
  const replicas: ReturnType<typeof createReplica>[] = []
  replicas.push(createReplica(), createReplica())

  return {
    database,
    sql,
    bugs,
    lines,
    accept: (is: boolean): void => void (isAccepting = is),
    /** One more replica; answers its number. */
    addReplica: (options: Parameters<typeof createReplica>[0]): number => replicas.push(createReplica(options)) - 1,
    ring: () => replicas[0]!.ring(),
    /** A session and who logs on to it. */
    add(id: string, members: SessionLine = {}, options: Partial<TraderOptions> = {}) {
      const user = (members['user'] as string | undefined) ?? crypto.randomUUID()
      const sender = id.toUpperCase()
      file = [...file.filter((line) => line['id'] !== id), lineOf({ id, sender, user, ...members })]
      sessions = parseSessions(JSON.stringify(file))
      return { id, user, trader: createTrader({ sender, target: 'ORDERS', password, ...options }) }
    },
    /** The file as it is read again; null: the session is not in it any more. */
    change(id: string, members: SessionLine | null): void {
      file = file.flatMap((line) => (line['id'] !== id ? [line] : members === null ? [] : [{ ...line, ...members }]))
      sessions = parseSessions(JSON.stringify(file))
    },
    /** The gateway of a replica that lives until `fate`; absent: as long as the test. `onLookUp`: called, and awaited, before each look for an order. */
    open({
      replica = 0,
      fate = createFate(Infinity),
      now = Date.now,
      elapsed = now,
      onLookUp = () => undefined,
    }: {
      replica?: number
      fate?: Fate
      now?: () => number
      elapsed?: () => number
      onLookUp?: () => unknown
    } = {}): Gateway {
      const { service, pages } = replicas[replica]!
      const { open: openPeer, ...gateway } = createGateway({
        fix: mortal(service.fix!, fate, onLookUp),
        cancelMany: (call, scope) => fate.live(() => service.cancelMany(call, scope)),
        pages: mortalPages(pages, fate),
        sessions: () => sessions,
        calendar: () => calendar,
        digits: amountDigits,
        gtdMaxDays: 90,
        newId,
        now,
        elapsed,
        log,
        onBug: (error) => bugs.push(error),
      })
      const alive: Gateway = {
        ...gateway,
        open: (peer) =>
          openPeer({
            ...peer,
            write: (bytes) => void (fate.step() && peer.write(bytes)),
            close: (reason) => void (fate.step() && peer.close(reason)),
          }),
      }
      gateways.push(alive)
      return alive
    },
    /** A replica has died: its leases are over. */
    endLeases: async (id: string): Promise<void> =>
      void (await sql`update fix_sessions set expires_at = '-infinity' where id = ${id}`),
    /** The engine fills orders. */
    async trade(...trades: TradeChanges[]): Promise<void> {
      const { signal } = new AbortController()
      const received = trades.map((changes) => aTrade(changes))
      const options = { now: () => new Date(), newId, signal, onRetry: () => undefined }
      await applyTrades(database.open({ connections: 1 }), received, options)
      replicas[0]!.ring()
    },
    /** The orders of a user, by key. */
    ordersOf: async (user: string) =>
      new Map(
        (
          await sql<{ key: string; id: string; status: string }[]>`
            select client_order_id as key, id, status from orders where user_id = ${user} order by id`
        ).map(({ key, ...row }) => [key, row]),
      ),
    /** What the log has of these orders, as ExecIDs. */
    async logged(orderIds: readonly string[]): Promise<string[]> {
      const ids = new Set(orderIds)
      const all = await logOf({ sql })
      return all.filter(({ order }) => ids.has(order)).map(({ order, version }) => `${order}.${version}`)
    },
    async numbersOf(id: string): Promise<{ nextIn: number; nextOut: number; dues: number }> {
      const [row] = await sql<{ next_in: string; next_out: string; dues: string }[]>`
        select next_in, next_out, (select count(*) from fix_due where session = id) as dues from fix_sessions where id = ${id}`
      return { nextIn: Number(row!.next_in), nextOut: Number(row!.next_out), dues: Number(row!.dues) }
    },
    async stop(): Promise<void> {
      for (const { service } of replicas) service.close()
      await database.drop()
    },
  }
}
