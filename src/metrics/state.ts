// The state of the parts as metrics, read when the page is requested.

import { shardCount } from '../store/outbox.ts'
import type { Pool } from '../store/sql.ts'
import { endingState } from './endingState.ts'
import { fixState } from './fixState.ts'
import { keyState } from './keyState.ts'
import { manyState } from './manyState.ts'
import type { Metric } from './metric.ts'
import { publisherState } from './publisherState.ts'
import { reportState } from './reportState.ts'
import { ruleState } from './ruleState.ts'
import type { StateMetric, StateSource } from './stateMetric.ts'
import { stopState } from './stopState.ts'
import { tradeState } from './tradeState.ts'

const neighbours: readonly StateMetric[] = [
  {
    name: 'orders_build_info',
    type: 'gauge',
    help: 'Version and commit of this binary, as labels of a 1.',
    labels: ['version', 'commit'],
    read: ({ build }) => [{ labels: build, value: 1 }],
  },
  {
    name: 'orders_postgres_up',
    type: 'gauge',
    help: 'Whether (1 or 0) Postgres answered last.',
    read: ({ background }) => Number(background.monitor.state().database.up),
  },
  {
    name: 'orders_kafka_up',
    type: 'gauge',
    help: 'Whether (1 or 0) a broker answered last.',
    read: ({ background }) => Number(background.link.state().up),
  },
]

const outbox: readonly StateMetric[] = [
  {
    name: 'orders_outbox_rows',
    type: 'gauge',
    help: 'Events that are committed and not acknowledged by the broker. They are counted up to the bound.',
    read: ({ background }) => background.monitor.state().outbox.rows,
  },
  {
    name: 'orders_outbox_oldest_age_seconds',
    type: 'gauge',
    help: 'Age of the oldest event that waits.',
    read: ({ background }) => background.monitor.state().outbox.ageMs / 1000,
  },
  {
    name: 'orders_outbox_refusing',
    type: 'gauge',
    help: 'Whether (1 or 0) every new order is refused, because the outbox passed its bound.',
    read: ({ background }) => Number(background.monitor.state().outboxFull),
  },
  {
    name: 'orders_outbox_refused_tickers',
    type: 'gauge',
    help: 'Tickers whose new orders are refused, because their oldest event is past the bound.',
    read: ({ background }) => background.monitor.state().outbox.overdue.length,
  },
]

const relay: readonly StateMetric[] = [
  {
    name: 'orders_relay_in_flight_events',
    type: 'gauge',
    help: 'Events that are on their way to the broker.',
    read: ({ background }) => background.relay.state().inFlight,
  },
  {
    name: 'orders_relay_shards',
    type: 'gauge',
    help: `Shards of tickers that this replica relays. All replicas together have ${shardCount}.`,
    read: ({ background }) => background.relay.state().shards.length,
  },
  {
    name: 'orders_relay_lease_held',
    type: 'gauge',
    help: 'Whether (1 or 0) this replica relays the shard.',
    labels: ['shard'],
    read: ({ background }) => {
      const { shards } = background.relay.state()
      return Array.from({ length: shardCount }, (_, shard) => ({
        labels: { shard: String(shard) },
        value: Number(shards.includes(shard)),
      }))
    },
  },
  {
    name: 'orders_relay_tickers_set_aside',
    type: 'gauge',
    help: 'Tickers whose events cannot be sent.',
    read: ({ background }) => background.relay.state().setAside.length,
  },
  {
    name: 'orders_relay_published_events_total',
    type: 'counter',
    help: 'Events that the broker acknowledged.',
    read: ({ background }) => background.relay.state().published,
  },
]

const streams: readonly StateMetric[] = [
  {
    name: 'orders_streams_open',
    type: 'gauge',
    help: 'Streams to clients that are open.',
    read: ({ streams }) => streams.state().open,
  },
  {
    name: 'orders_streams_max',
    type: 'gauge',
    help: 'How many streams may be open.',
    read: ({ streams }) => streams.state().max,
  },
  {
    name: 'orders_tail_lag_seconds',
    type: 'gauge',
    help: 'How old the newest events were when the tail read them; 0 while nobody follows.',
    read: ({ streams }) => streams.state().tail.lagMs / 1000,
  },
  {
    name: 'orders_tail_catching_up_streams',
    type: 'gauge',
    help: 'Streams that read from Postgres: a snapshot, or events that the ring of the tail does not hold.',
    read: ({ streams }) => streams.state().tail.catchingUp,
  },
  {
    name: 'orders_tail_ring_events',
    type: 'gauge',
    help: 'Events that the tail holds in memory for streams that resume.',
    read: ({ streams }) => streams.state().tail.ring.events,
  },
  {
    name: 'orders_tail_ring_bytes',
    type: 'gauge',
    help: 'Size of the events in memory from which streams are served.',
    read: ({ streams }) => streams.state().tail.ring.bytes,
  },
  {
    name: 'orders_tail_blocked',
    type: 'gauge',
    help: 'Whether (1 or 0) the log cannot be read though somebody follows it.',
    read: ({ streams }) => Number(streams.state().tail.obstacle !== null),
  },
]

const queues: readonly StateMetric[] = [
  {
    name: 'orders_batch_queued_items',
    type: 'gauge',
    help: 'Requests that wait for a transaction, by kind of work.',
    labels: ['kind'],
    read: ({ service }) =>
      Object.entries(service.load()).map(([kind, { queued }]) => ({ labels: { kind }, value: queued })),
  },
  {
    name: 'orders_batch_running_items',
    type: 'gauge',
    help: 'Requests that are in a transaction, by kind of work.',
    labels: ['kind'],
    read: ({ service }) =>
      Object.entries(service.load()).map(([kind, { running }]) => ({ labels: { kind }, value: running })),
  },
]

type PoolLoad = ReturnType<Pool['load']>
const ofPools =
  (value: (load: PoolLoad) => number): StateMetric['read'] =>
  ({ pools }) =>
    Object.entries(pools()).map(([pool, { load }]) => ({ labels: { pool }, value: value(load()) }))

const database: readonly StateMetric[] = [
  {
    name: 'orders_db_pool_max_connections',
    type: 'gauge',
    help: 'Connections that the pool may open. The pools are places, changes, gets, pages, relay, trades, expiry, sweeps, switches, events; with the topic of the log publisher, with FIX fix.',
    labels: ['pool'],
    read: ofPools(({ connections }) => connections),
  },
  {
    name: 'orders_db_pool_used_connections',
    type: 'gauge',
    help: 'Connections of the pool with a statement on them.',
    labels: ['pool'],
    read: ofPools(({ running }) => running),
  },
  {
    name: 'orders_db_pool_waiting_statements',
    type: 'gauge',
    help: 'Statements that wait for a connection of the pool.',
    labels: ['pool'],
    read: ofPools(({ waiting }) => waiting),
  },
]

/** Every metric that is read from a state. */
export const stateDeclarations: readonly StateMetric[] = [
  ...neighbours,
  ...outbox,
  ...relay,
  ...tradeState,
  ...reportState,
  ...stopState,
  ...keyState,
  ...endingState,
  ...manyState,
  ...ruleState,
  ...streams,
  ...publisherState,
  ...fixState,
  ...queues,
  ...database,
]

export const stateMetrics = (source: StateSource): Metric[] =>
  stateDeclarations.map(({ read, ...declaration }) => {
    const value = read(source)
    return { ...declaration, samples: typeof value === 'number' ? [{ value }] : value }
  })
