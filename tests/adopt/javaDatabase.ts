// A database as the Java service leaves it after its migration 6, written from the description of its tables: nothing of src/ is in here. Rows in
// every state, the odd ones among them, and the messages on its topics.

import type postgres from 'postgres'
import type { Outgoing } from '../support/kafka.ts'
import type { World } from '../support/world.ts'

/** The tables, with the history that Flyway keeps. */
const javaSchema = `
  create extension if not exists "uuid-ossp";
  create table flyway_schema_history (
    installed_rank integer primary key, version varchar(50), description varchar(200) not null, type varchar(20) not null, script varchar(1000) not null,
    checksum integer, installed_by varchar(100) not null, installed_on timestamp not null default now(), execution_time integer not null, success boolean not null);
  insert into flyway_schema_history (installed_rank, version, description, type, script, installed_by, execution_time, success)
    select n, n::text, 'migration ' || n, 'SQL', 'V' || n || '__.sql', current_user, 1, true from generate_series(1, 6) n;
  create table orders (
    id uuid primary key default uuid_generate_v4(), user_id uuid not null, ticker varchar(16) not null, side varchar(8) not null, type varchar(8) not null,
    time_in_force varchar(16) not null, quantity numeric(18,6) not null check (quantity > 0), price numeric(18,6), status varchar(24) not null,
    created_at timestamptz not null, updated_at timestamptz not null, version bigint not null default 0,
    filled_quantity numeric(18,6) not null default 0, last_fill_price numeric(18,6));
  create index idx_orders_user on orders (user_id);
  create index idx_orders_ticker on orders (ticker);
  create table ingested_fills (
    order_id uuid not null, trade_id uuid not null, ticker varchar(16) not null, ts timestamptz not null, primary key (order_id, trade_id));
`

/** The table of the transaction processor. */
const transactionsTable = `
  create table transactions (
    id uuid primary key default uuid_generate_v4(), trade_id uuid not null, order_id uuid not null, quantity numeric(18,6) not null,
    price numeric(18,6) not null check (price > 0))`

/** Makes the tables in the schema `public` of the database. The tables of ours that a test database has go away. */
export const makeJavaTables = async (sql: postgres.Sql): Promise<void> => {
  await sql.unsafe(
    `drop schema public cascade; create schema public; grant usage on schema public to public; ${javaSchema}; ${transactionsTable}`,
  )
}

export type JavaLeg = {
  tradeId: string
  quantity: string
  price: string
  /** Whether the topic still has it. */
  onTopic?: boolean
  /** Whether the table of the transaction processor has it. */
  inTransactions?: boolean
}

/** A row of Java's orders, its legs in the order in which they came, and whether its events were published. */
export type JavaOrder = {
  id: string
  userId: string
  ticker: string
  side: string
  type: string
  timeInForce: string
  quantity: string
  price: string | null
  status: string
  filled: string
  lastPrice: string | null
  version: number
  createdAt: Date
  updatedAt: Date
  legs: readonly JavaLeg[]
  placed: boolean
  cancelled: boolean
}

const dayMs = 86_400_000
let made = 0

/** A LIMIT order of 10, bought yesterday. Each is a second younger than the one before. */
export const javaOrder = (changes: Partial<JavaOrder> = {}): JavaOrder => {
  const createdAt = new Date(Date.now() - dayMs + 1_000 * ++made)
  const order: JavaOrder = {
    id: crypto.randomUUID(),
    userId: crypto.randomUUID(),
    ticker: 'AAPL',
    side: 'BUY',
    type: 'LIMIT',
    timeInForce: 'GTC',
    quantity: '10',
    price: '150.5',
    status: 'NEW',
    filled: '0',
    lastPrice: null,
    version: 0,
    createdAt,
    updatedAt: createdAt,
    legs: [],
    placed: true,
    cancelled: changes.status === 'CANCELED',
    ...changes,
  }
  return {
    ...order,
    updatedAt: changes.updatedAt ?? (order.version > 0 ? new Date(order.createdAt.getTime() + 500) : order.createdAt),
  }
}

export const javaLeg = (quantity: string, changes: Partial<JavaLeg> = {}): JavaLeg => ({
  tradeId: crypto.randomUUID(),
  quantity,
  price: '150.25',
  onTopic: true,
  inTransactions: false,
  ...changes,
})

const tradeMessage = (order: JavaOrder, { tradeId, quantity, price }: JavaLeg): string =>
  `{"tradeId":"${tradeId}","buyOrderId":${order.side === 'BUY' ? `"${order.id}"` : 'null'},"sellOrderId":${order.side === 'SELL' ? `"${order.id}"` : 'null'},` +
  `"ticker":"${order.ticker}","price":${price},"quantity":${quantity},"timestamp":${(order.createdAt.getTime() / 1000).toFixed(9)}}`

/** As the Java service writes it: no header, the time with nanoseconds. */
const eventMessage = (order: JavaOrder): string =>
  JSON.stringify({
    orderId: order.id,
    userId: order.userId,
    ticker: order.ticker,
    side: order.side,
    type: order.type,
    timeInForce: order.timeInForce,
    quantity: Number(order.quantity),
    price: order.price === null ? null : Number(order.price),
    timestamp: order.createdAt.toISOString(),
  })

const insertOrders = (sql: postgres.Sql, orders: readonly JavaOrder[]) => sql`
  insert into public.orders ${sql(
    orders.map((order) => ({
      id: order.id,
      user_id: order.userId,
      ticker: order.ticker,
      side: order.side,
      type: order.type,
      time_in_force: order.timeInForce,
      quantity: order.quantity,
      price: order.price,
      status: order.status,
      created_at: order.createdAt,
      updated_at: order.updatedAt,
      version: order.version,
      filled_quantity: order.filled,
      last_fill_price: order.lastPrice,
    })),
  )}`

/** Stores the orders and their legs as Java does, and publishes what it and the engine published. */
export const storeJavaOrders = async (
  { sql, kafka, topics }: Pick<World, 'sql' | 'kafka' | 'topics'>,
  orders: readonly JavaOrder[],
) => {
  await insertOrders(sql, orders)
  const legs = orders.flatMap((order) => order.legs.map((leg) => ({ order, leg })))
  const seen = legs.map(({ order, leg }) => ({
    order_id: order.id,
    trade_id: leg.tradeId,
    ticker: order.ticker,
    ts: order.createdAt,
  }))
  if (seen.length > 0) await sql`insert into public.ingested_fills ${sql(seen)}`
  const kept = legs.filter(({ leg }) => leg.inTransactions)
  if (kept.length > 0)
    await sql`insert into public.transactions ${sql(
      kept.map(({ order, leg }) => ({
        trade_id: leg.tradeId,
        order_id: order.id,
        quantity: leg.quantity,
        price: leg.price,
      })),
    )}`
  const outgoing = orders.flatMap((order): Outgoing[] => [
    ...(order.placed ? [{ topic: topics.placed, key: order.ticker, value: eventMessage(order) }] : []),
    ...(order.cancelled ? [{ topic: topics.cancelled, key: order.ticker, value: eventMessage(order) }] : []),
    ...order.legs
      .filter(({ onTopic }) => onTopic)
      .map((leg) => ({ topic: topics.trades, key: order.ticker, value: tradeMessage(order, leg) })),
  ])
  await kafka.publish(outgoing)
}
