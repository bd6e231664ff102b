// The batchers of the use cases: each kind of statement behind its own bounds, so that a flood of one kind cannot take the lanes of
// another.

import type { Order } from '../domain/order.ts'
import type { OrderTerms } from '../domain/terms.ts'
import { keyText, type NewVoid, type OrderKey } from '../store/keys.ts'
import { readByKey, readOrders } from '../store/orders.ts'
import type { Database } from '../store/sql.ts'
import { afterCommit, createBatcher, type BatcherLoad, type BatchRefusal, type BatchReport } from './batcher.ts'
import { cancelBatch, type Cancellation, type CancelResult } from './cancel.ts'
import { tryToChangeRules, type ChangeResult, type RulesCommand } from './changeRules.ts'
import type { KeyFill } from './keyFill.ts'
import { judgeHeldKeys, placeOrders, type Identity, type Placement, type PlaceResult, type Placing } from './place.ts'
import { createReads } from './reads.ts'
import { resolveException, resolveReportException, type ResolveCommand, type ResolveResult } from './resolve.ts'
import { judgeTrials, type TrialResult } from './trials.ts'
import { voidKeys, type VoidResult } from './voids.ts'

export type ServiceLimits = {
  batchMax: number
  lanes: number
  queueMax: number
  deadlineMs: number
}

/** The kind of statement of a batch. */
type BatchKind = 'place' | 'void' | 'validate' | 'key' | 'cancel' | 'arm' | 'get' | 'page' | 'resolve' | 'rules'

/** One pool for each kind of statement; see Plans. */
export type ServicePools = {
  /** For placing: by keys. */
  places: Database
  /** For cancels and resolutions. */
  changes: Database
  /** For single orders, by id or key. */
  gets: Database
  /** For lists. */
  pages: Database
}

export type BatchersOptions = Pick<Identity, 'now'> & {
  pools: ServicePools
  limits: ServiceLimits
  /** By what new orders are judged. */
  placing: Omit<Placing, 'onCommitted'>
  /** How long a change of the rules waits for the orders that are being stored: shorter than these wait for it. */
  rulesLockTimeoutMs?: number
  /** Changes were committed: whoever reads the outbox or the log may look at once. */
  onCommitted: () => void
  onBug: (error: unknown) => void
  /** Called with the error for which a batch was refused, unless that is a bug. */
  onRefused?: (error: unknown) => void
  onBatch?: (kind: BatchKind, batch: BatchReport) => void
}

/** Each page is read in a statement of its own; this many at a time. */
const pagesAtATime = 4
const pagesWaitingMax = 500

/** For two forms of one key: the keys to look up, and the orders that hold them. */
type KeyForms = { former: OrderKey; present: OrderKey }
type KeyHolders = { ok: true; former: Order | undefined; present: Order | undefined }

const readHolders = async (db: Database, lookups: readonly KeyForms[], keyFill: KeyFill): Promise<KeyHolders[]> => {
  const keysFilled = await keyFill.isDone()
  const keys = new Map(lookups.flatMap(({ former, present }) => [former, present]).map((key) => [keyText(key), key]))
  const holders = await db.run((sql) => readByKey(sql, [...keys.values()], keysFilled))
  const byKey = new Map(holders.map((order) => [keyText(order), order]))
  return lookups.map(({ former, present }) => ({
    ok: true,
    former: byKey.get(keyText(former)),
    present: byKey.get(keyText(present)),
  }))
}

/** `answer`: of whoever holds the key; null: nobody does. */
type HeldKey = { ok: true; answer: PlaceResult | null }

type OrderLookup = { ok: true; order: Order | undefined }

const readById = async (db: Database, ids: readonly string[]): Promise<OrderLookup[]> => {
  const orders = await db.run((sql) => readOrders(sql, [...new Set(ids)]))
  const byId = new Map(orders.map((order) => [order.id, order]))
  return ids.map((id) => ({ ok: true, order: byId.get(id) }))
}

/** What waits and what runs in several batchers of one kind. */
export const addLoads = (...loads: readonly BatcherLoad[]): BatcherLoad => ({
  queued: loads.reduce((sum, { queued }) => sum + queued, 0),
  running: loads.reduce((sum, { running }) => sum + running, 0),
})

type Resolve<E> = (db: Database, command: ResolveCommand, at: Date) => Promise<ResolveResult<E>>

/** One resolution at a time. */
const resolving = <E>(resolve: Resolve<E>, { db, now }: { db: Database; now: () => Date }) => ({
  batchMax: 1,
  lanes: 1,
  run: (commands: readonly ResolveCommand[]) => Promise.all(commands.map((command) => resolve(db, command, now()))),
})

/** One change of the rules at a time. */
const changing = (db: Database, lockTimeoutMs = 500) => ({
  batchMax: 1,
  lanes: 1,
  run: (commands: readonly RulesCommand[]): Promise<ChangeResult[]> =>
    Promise.all(commands.map((command) => tryToChangeRules(db, command, lockTimeoutMs))),
})

/** What all batchers of a kind have in common. */
const kindsOf = ({ limits, onBug, onRefused = () => undefined, onBatch }: BatchersOptions) => {
  const common = (kind: BatchKind) => ({
    ...limits,
    onBug,
    onRefused,
    onBatch: (batch: BatchReport) => onBatch?.(kind, batch),
  })
  return {
    common,
    write: (kind: BatchKind) => ({ ...common(kind), kind: 'write' as const }),
    read: (kind: BatchKind) => ({ ...common(kind), kind: 'read' as const }),
  }
}

/** Those of new orders and their keys. */
const createPlacing = (options: BatchersOptions) => {
  const { pools, placing, onCommitted } = options
  const { read, write } = kindsOf(options)
  return {
    places: createBatcher<Placement, PlaceResult>({
      ...write('place'),
      run: (placements, { again, stored }) =>
        placeOrders(pools.places, placements, {
          ...placing,
          fresh: !again,
          onCommitted: afterCommit(stored, onCommitted),
        }),
    }),
    trials: createBatcher<Placement, TrialResult>({
      ...read('validate'),
      run: (placements) => judgeTrials(placements, placing),
    }),
    voids: createBatcher<NewVoid, VoidResult>({
      ...write('void'),
      run: (batch, { stored: onStored }) => voidKeys(pools.places, batch, { keyFill: placing.keyFill, onStored }),
    }),
    keys: createBatcher<KeyForms, KeyHolders>({
      ...read('key'),
      run: (lookups) => readHolders(pools.gets, lookups, placing.keyFill),
    }),
    heldKeys: createBatcher<OrderTerms, HeldKey>({
      ...read('key'),
      run: async (batch) =>
        (await judgeHeldKeys(pools.places, batch, placing.keyFill)).map((answer) => ({ ok: true, answer })),
    }),
  }
}

/** Those of what is there already, and of the rules. */
const createOthers = (options: BatchersOptions) => {
  const { pools, onCommitted, now } = options
  const { common, read, write } = kindsOf(options)
  const changes = { db: pools.changes, now }
  return {
    cancels: createBatcher<Cancellation, CancelResult | BatchRefusal>({
      ...write('cancel'),
      run: (cancellations, { again, stored }) =>
        cancelBatch(pools.changes, cancellations, {
          again,
          now: now(),
          onCommitted: afterCommit(stored, onCommitted),
        }),
    }),
    gets: createBatcher<string, OrderLookup>({ ...read('get'), run: (ids) => readById(pools.gets, ids) }),
    pages: createReads({ ...common('page'), lanes: pagesAtATime, queueMax: pagesWaitingMax }),
    resolves: createBatcher({ ...write('resolve'), ...resolving(resolveException, changes) }),
    reportResolves: createBatcher({ ...write('resolve'), ...resolving(resolveReportException, changes) }),
    ruleChanges: createBatcher({ ...write('rules'), ...changing(pools.changes, options.rulesLockTimeoutMs) }),
  }
}

export const createBatchers = (options: BatchersOptions) => {
  const batchers = { ...createPlacing(options), ...createOthers(options) }
  const all = Object.values(batchers)
  return {
    ...batchers,
    /** Requests that wait and requests in a transaction. */
    load: () =>
      ({
        place: batchers.places.load(),
        void: batchers.voids.load(),
        validate: batchers.trials.load(),
        key: addLoads(batchers.keys.load(), batchers.heldKeys.load()),
        cancel: batchers.cancels.load(),
        get: batchers.gets.load(),
        page: batchers.pages.load(),
        resolve: addLoads(batchers.resolves.load(), batchers.reportResolves.load()),
        rules: batchers.ruleChanges.load(),
      }) satisfies Record<Exclude<BatchKind, 'arm'>, unknown>,
    drained: (): Promise<unknown> => Promise.all(all.map((batcher) => batcher.drained())),
    close: (): void => all.forEach((batcher) => batcher.close()),
  }
}
export type Batchers = ReturnType<typeof createBatchers>
