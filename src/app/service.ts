// The use cases as the HTTP side calls them: each behind its own bounded batcher, so a flood of one kind cannot take the lanes
// of another.

import type { Order } from '../domain/order.ts'
import type { OrderTerms } from '../domain/terms.ts'
import { readExceptions, type ExceptionFilter, type TradeException } from '../store/exceptions.ts'
import { readFills, type Fill } from '../store/fillPage.ts'
import { readOrderPage, type OrderFilter, type OrderPage } from '../store/orderPage.ts'
import { readByKey, readOrders, type OrderKey } from '../store/orders.ts'
import type { Database } from '../store/sql.ts'
import { createBatcher, type Batcher, type BatchRefusal, type SeenBatch } from './batcher.ts'
import { cancelBatch, type Cancellation, type CancelResult } from './cancel.ts'
import { resolveException, type ResolveCommand, type ResolveResult } from './exceptions.ts'
import type { Admission } from './monitor.ts'
import {
  judgeFormerKey,
  placeOrders,
  preparePlacement,
  type Identity,
  type Placement,
  type PlaceResult,
} from './place.ts'

export type ServiceLimits = {
  batchMax: number
  lanes: number
  queueMax: number
  deadlineMs: number
}

/** What a batch is of. */
type BatchKind = 'place' | 'key' | 'cancel' | 'get' | 'page' | 'resolve'

/** Of their own for each kind of statement; see Plans. */
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

export type ServiceOptions = Identity & {
  pools: ServicePools
  limits: ServiceLimits
  /** The monitor's `hasRoom`: false while too much waits to be published (app/monitor.ts). */
  accepting: Admission
  /** Events were committed: the relay may look at once. */
  onCommitted: () => void
  onBug: (error: unknown) => void
  /** What a batch was refused for, where that is no bug. */
  onRefused?: (error: unknown) => void
  onBatch?: (kind: BatchKind, batch: SeenBatch) => void
}

type FillPage = { fills: Fill[] | null }
/** `formerKey`: another form of the key, under which 1.0 may have stored this order. */
type FormerPlacing = { terms: OrderTerms; formerKey: string; traceparent: string | null }

export type Service = {
  /** What every order would be answered with now, whatever it says; null: there is room for one. */
  turnAway: () => BatchRefusal | null
  place: (terms: OrderTerms, traceparent: string | null) => Promise<PlaceResult | BatchRefusal>
  /** Places, unless this user holds the former key: then it is a repetition of that order. */
  placeUnlessHeld: (asked: FormerPlacing) => Promise<PlaceResult | BatchRefusal>
  cancel: (id: string, traceparent: string | null) => Promise<CancelResult | BatchRefusal>
  /** Null: no such order. */
  find: (id: string) => Promise<{ ok: true; order: Order | null } | BatchRefusal>
  list: (filter: OrderFilter, limit: number) => Promise<({ ok: true } & OrderPage) | BatchRefusal>
  fills: (query: {
    orderId: string
    before: number
    limit: number
  }) => Promise<({ ok: true } & FillPage) | BatchRefusal>
  exceptions: (
    filter: ExceptionFilter,
    limit: number,
  ) => Promise<{ ok: true; exceptions: TradeException[] } | BatchRefusal>
  resolve: (command: ResolveCommand) => Promise<ResolveResult | BatchRefusal>
  /** Requests that wait and requests in a transaction. */
  load: () => Record<BatchKind, ReturnType<Batcher<never, never>['load']>>
  drained: () => Promise<unknown>
  close: () => void
}

/** Pages are read one a statement; only so many at a time. */
const pagesAtATime = 4
const pagesWaitingMax = 500

/** Two forms of one key. */
type Held<T = OrderKey> = { former: T; present: T }

const readHolders = async (
  db: Database,
  asked: readonly Held[],
): Promise<({ ok: true } & Held<Order | undefined>)[]> => {
  const nameOf = ({ userId, clientOrderId }: OrderKey): string => `${userId} ${clientOrderId}`
  const wanted = new Map(asked.flatMap(({ former, present }) => [former, present]).map((key) => [nameOf(key), key]))
  const found = await db.run((sql) => readByKey(sql, [...wanted.values()]))
  const byName = new Map(found.map((order) => [nameOf(order), order]))
  return asked.map(({ former, present }) => ({
    ok: true,
    former: byName.get(nameOf(former)),
    present: byName.get(nameOf(present)),
  }))
}

const createBatchers = (options: ServiceOptions) => {
  const { pools, limits, onCommitted, onBug, onRefused = () => undefined, now } = options
  const common = (kind: BatchKind) => ({
    ...limits,
    onBug,
    onRefused,
    onBatch: (batch: SeenBatch) => options.onBatch?.(kind, batch),
  })
  const write = (kind: BatchKind) => ({ ...common(kind), kind: 'write' as const })
  const read = (kind: BatchKind) => ({ ...common(kind), kind: 'read' as const })
  /** From here on the outcome of a failure is unknown, whatever fails. */
  const afterCommit = (stored: () => void) => () => {
    stored()
    onCommitted()
  }

  const places = createBatcher<Placement, PlaceResult>({
    ...write('place'),
    run: (placements, { stored }) => placeOrders(pools.places, placements, afterCommit(stored)),
  })
  const keys = createBatcher<Held, { ok: true } & Held<Order | undefined>>({
    ...read('key'),
    run: (asked) => readHolders(pools.gets, asked),
  })
  const cancels = createBatcher<Cancellation, CancelResult>({
    ...write('cancel'),
    run: (cancellations, { again, stored }) =>
      cancelBatch(pools.changes, cancellations, { again, now: now(), onCommitted: afterCommit(stored) }),
  })
  const gets = createBatcher<string, { ok: true; order: Order | null }>({
    ...read('get'),
    async run(ids) {
      const found = new Map(
        (await pools.gets.run((sql) => readOrders(sql, [...new Set(ids)]))).map((order) => [order.id, order]),
      )
      return ids.map((id) => ({ ok: true, order: found.get(id) ?? null }))
    },
  })
  const pages = createBatcher<() => Promise<unknown>, unknown>({
    ...read('page'),
    batchMax: 1,
    lanes: pagesAtATime,
    queueMax: pagesWaitingMax,
    run: async ([page]) => [await page!()],
  }) as Batcher<() => Promise<unknown>, never>
  const resolves = createBatcher<ResolveCommand, ResolveResult>({
    ...write('resolve'),
    batchMax: 1,
    lanes: 1,
    run: async ([command]) => [await resolveException(pools.changes, command!, now())],
  })

  return { places, keys, cancels, gets, pages, resolves }
}

export const createService = (options: ServiceOptions): Service => {
  const { accepting, now, newId } = options
  const { pages: lists } = options.pools
  const { places, keys, cancels, gets, pages, resolves } = createBatchers(options)
  const all = [places, keys, cancels, gets, pages, resolves]
  const place: Service['place'] = (terms, traceparent) =>
    accepting(terms.ticker)
      ? places.submit(preparePlacement(terms, traceparent, { now, newId }))
      : Promise.resolve({ ok: false, code: 'OVERLOADED' })
  return {
    turnAway: () => (places.isFull() ? { ok: false, code: 'OVERLOADED' } : null),
    place,
    async placeUnlessHeld({ terms, formerKey, traceparent }) {
      const { userId, clientOrderId } = terms
      const held = await keys.submit({
        former: { userId, clientOrderId: formerKey },
        present: { userId, clientOrderId },
      })
      return held.ok ? (judgeFormerKey(terms, held) ?? place(terms, traceparent)) : held
    },
    cancel: (id, traceparent) => cancels.submit({ id, event: { eventId: newId(now()), traceparent } }),
    find: (id) => gets.submit(id),
    list: (filter, limit) =>
      pages.submit(async () => ({ ok: true, ...(await lists.run((sql) => readOrderPage(sql, filter, limit))) })),
    fills: (query) => pages.submit(async () => ({ ok: true, fills: await lists.run((sql) => readFills(sql, query)) })),
    exceptions: (filter, limit) =>
      pages.submit(async () => ({
        ok: true,
        exceptions: await lists.run((sql) => readExceptions(sql, filter, limit)),
      })),
    resolve: (command) => resolves.submit(command),
    load: () => ({
      place: places.load(),
      key: keys.load(),
      cancel: cancels.load(),
      get: gets.load(),
      page: pages.load(),
      resolve: resolves.load(),
    }),
    drained: () => Promise.all(all.map((batcher) => batcher.drained())),
    close: () => all.forEach((batcher) => batcher.close()),
  }
}
