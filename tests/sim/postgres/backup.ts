// A copy of the fake Postgres as it was once, and its return: what a failover to a lagging standby, or a recovery to a point in time,
// leaves of a database. Transactions that ran at that time are lost too, but their ids stand in its write-ahead log.

import type { Postgres } from './state.ts'
import { recover } from './transactions.ts'

type Contents = Omit<Postgres, 'clock' | 'open' | 'locks' | 'shares' | 'waiters' | `on${string}`>
export type Backup = { contents: Contents; takenAt: number }

const copyRows = <T>(table: Map<string, T[]>): Map<string, T[]> =>
  new Map([...table].map(([id, rows]) => [id, [...rows]]))

const copyOf = (db: Contents): Contents => ({
  orders: new Map(db.orders),
  stamps: new Map(db.stamps),
  keys: new Map(db.keys),
  keysFilled: db.keysFilled,
  epoch: db.epoch,
  trading: new Map(db.trading),
  rulesChanges: [...db.rulesChanges],
  sweeps: new Map(db.sweeps),
  lastSweepId: db.lastSweepId,
  switches: new Map(db.switches),
  ledger: copyRows(db.ledger),
  changes: copyRows(db.changes),
  exceptions: copyRows(db.exceptions),
  log: [...db.log],
  epochs: [...db.epochs],
  outbox: new Map(db.outbox),
  endings: new Map(db.endings),
  reports: new Map(db.reports),
  reportExceptions: [...db.reportExceptions],
  marks: new Map(db.marks),
  leases: new Map(db.leases),
  replicas: new Map(db.replicas),
  lastPosition: db.lastPosition,
  lastLogPosition: db.lastLogPosition,
  nextXid: db.nextXid,
  lastEndedXid: db.lastEndedXid,
  wal: { flushedXid: db.nextXid - 1n, pending: [] },
})

/** `takenAt`: the time of the run, in ms. */
export const takeBackup = (db: Postgres, takenAt: number): Backup => ({ contents: copyOf(db), takenAt })

/** Only while the server is down: no transaction is open. */
export const restore = (db: Postgres, { contents }: Backup, random: () => number): void => {
  Object.assign(db, copyOf(contents))
  recover(db, random)
}
