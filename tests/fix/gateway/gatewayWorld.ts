// A database with any number of replicas that take sessions of FIX on it, without sockets. A replica can die at any statement or at any write.

import type { ServiceLimits } from '../../../src/app/batchers.ts'
import { applyTrades } from '../../../src/app/fill.ts'
import { createService } from '../../../src/app/service.ts'
import { amountDigits } from '../../../src/domain/decimal.ts'
import { weekdays } from '../../../src/domain/session.ts'
import { createGateway } from '../../../src/fix/gateway/gateway.ts'
import { parseSessions } from '../../../src/fix/sessionsFile.ts'
import type { Database } from '../../../src/store/sql.ts'
import { createLogPages } from '../../../src/tail/pages/pages.ts'
import { hashOf } from '../../../src/wire/secret.ts'
import { aTrade, newId, type TradeChanges } from '../../support/builders.ts'
import { allPools, createDatabase } from '../../support/database.ts'
import { quietLog } from '../../support/quietLog.ts'
import { createFirm } from './firm.ts'

export const password = 'correct horse battery staple'
const limits: ServiceLimits = { batchMax: 256, lanes: 2, queueMax: 10_000, deadlineMs: 30_000 }

/** Where a replica dies: before its n-th statement, or after it and before the answer, or before its n-th write. Counted from 1. */
export type Death = { at: 'before' | 'after' | 'write'; n: number }

export const createGatewayWorld = async () => {
  const database = await createDatabase()
  const { sql } = database
  const db = database.open({ connections: 4 })
  const logs = database.open({ plans: 'log', connections: 3 })
  const ends: (() => void)[] = []
  const bugs: unknown[] = []

  const sessionsOf = (members: readonly Record<string, unknown>[]) =>
    parseSessions(
      JSON.stringify(
        members.map((one) => ({
          target: 'ORDERS',
          password: hashOf(password),
          scopes: ['orders:read', 'orders:write'],
          ...one,
        })),
      ),
    )

  const startReplica = (members: readonly Record<string, unknown>[], death: Death | null = null) => {
    let [statements, writes, isDead] = [0, 0, false]
    const never = new Promise<never>(() => undefined)
    const run: Database['run'] = async (statement) => {
      if (isDead) return never
      const own = ++statements
      if (death?.at === 'before' && death.n === own) isDead = true
      if (isDead) return never
      const answer = await db.run(statement)
      if (death?.at === 'after' && death.n === own) isDead = true
      return isDead ? never : answer
    }
    const mortal: Database = { ...db, run }
    const { log, lines } = quietLog()
    const pages = createLogPages({
      db: { ...logs, run: (statement) => (isDead ? never : logs.run(statement)) },
      lanes: 2,
      pollMs: 20,
      now: () => new Date(),
      log,
    })
    const service = createService({
      pools: allPools(mortal),
      limits,
      accepting: () => true,
      onCommitted: () => pages.ring(),
      onBug: (error) => bugs.push(error),
      log,
      now: () => new Date(),
      newId,
      expiresAt: () => null,
      fixReplicaId: crypto.randomUUID(),
    })
    const file = sessionsOf(members)
    const gateway = createGateway({
      fix: service.fix!,
      cancelMany: service.cancelMany,
      pages,
      sessions: () => file,
      calendar: () => ({ close: '16:00', timeZone: 'UTC', days: weekdays, holidays: new Map() }),
      digits: amountDigits,
      gtdMaxDays: 366,
      newId,
      now: Date.now,
      log,
      onBug: (error) => bugs.push(error),
    })
    ends.push(() => service.close())
    return {
      gateway,
      service,
      lines,
      statements: () => statements,
      writes: () => writes,
      isDead: () => isDead,
      /** For the firm's end of the line. */
      onWrite(): boolean {
        writes++
        if (death?.at === 'write' && death.n === writes) isDead = true
        return !isDead
      },
    }
  }

  return {
    sql,
    db,
    bugs,
    startReplica,
    firm: (sender: string) => createFirm({ sender, target: 'ORDERS', password }),
    async fill(...trades: TradeChanges[]): Promise<void> {
      const { signal } = new AbortController()
      const received = trades.map((changes) => aTrade(changes))
      await applyTrades(db, received, { now: () => new Date(), newId, signal, onRetry: () => undefined })
    },
    /** As if the time of all leases were over. */
    expireLeases: () => sql`update fix_sessions set expires_at = '-infinity'`,
    async stop(): Promise<void> {
      for (const end of ends) end()
      await database.drop()
    },
  }
}
export type GatewayWorld = Awaited<ReturnType<typeof createGatewayWorld>>
