// What the topics and the transaction processor know of Java's orders, loaded into temporary tables of the session: memory stays flat, however
// much it is.

import { formatAmount } from '../domain/decimal.ts'
import { eventKinds, type EventKind } from '../domain/events.ts'
import { canonicalUuid } from '../domain/ids.ts'
import { keyHash } from '../kafka/partition.ts'
import { decodeTrade } from '../kafka/schema.ts'
import type { Span, TopicReader, TopicRecord } from '../kafka/topicReader.ts'
import type { Topics } from '../kafka/topics.ts'
import { textArray, type Sql } from '../store/sql.ts'
import type { Progress } from '../telemetry/terminal.ts'
import type { JavaTables } from './javaTables.ts'
import { runScript } from './script.ts'

const batchMax = 5_000

/** `adopt_sources`: the legs whose amounts are known; `adopt_published`: the orders on a topic; `adopt_tickers`: since when a topic has all of a ticker. */
export const createSourceTables = async (sql: Sql): Promise<void> => {
  await runScript(
    sql,
    `
    create temporary table adopt_sources (
      trade_id uuid, order_id uuid, quantity numeric, price numeric, ts timestamptz, kafka_partition integer, kafka_offset bigint, source text);
    create temporary table adopt_published (order_id uuid, kind text);
    create temporary table adopt_tickers (ticker text primary key, placed_since timestamptz not null, cancelled_since timestamptz not null);
    create temporary table adopt_counts (what text not null, which text not null, n bigint not null);
    create temporary table adopt_beginnings (topic text, partition integer, first_offset bigint)`,
  )
}

/** A leg: the columns of adopt_sources as texts. */
type Row = readonly (string | null)[]

const storeLegs = async (sql: Sql, rows: readonly Row[], source: string): Promise<void> => {
  if (rows.length === 0) return
  const column = (i: number): string => textArray(rows.map((row) => row[i] ?? null))
  await sql`
    insert into adopt_sources
    select i.*, ${source}::text from unnest(
      ${column(0)}::text[]::uuid[], ${column(1)}::text[]::uuid[], ${column(2)}::text[]::numeric[], ${column(3)}::text[]::numeric[],
      ${column(4)}::text[]::timestamptz[], ${column(5)}::text[]::integer[], ${column(6)}::text[]::bigint[]) i`
}

/** Java's trade ids are UUIDs: no other leg can be in its ledger. */
const legsOf = ({ value, partition, offset }: TopicRecord): Row[] => {
  const trade = decodeTrade(value)
  if ('malformed' in trade) return []
  const tradeId = canonicalUuid(trade.tradeId)
  if (tradeId === null) return []
  return trade.sides.flatMap(({ orderId }) => {
    const id = canonicalUuid(orderId)
    const amounts = [formatAmount(trade.quantity), formatAmount(trade.price), trade.tradedAt]
    return id === null ? [] : [[tradeId, id, ...amounts, String(partition), String(offset)]]
  })
}

type Reading = { sql: Sql; reader: TopicReader; progress: Progress }

const readTopic = async (
  { reader, progress }: Reading,
  topic: string,
  spans: readonly Span[],
  take: (records: TopicRecord[]) => Promise<void>,
): Promise<void> => {
  const total = spans.reduce((sum, { start, end }) => sum + Number(end - start), 0)
  let done = 0
  await reader.read(topic, spans, async (records) => {
    for (let i = 0; i < records.length; i += batchMax) await take(records.slice(i, i + batchMax))
    done += records.length
    progress.show(`messages of ${topic}`, done, total)
  })
}

const orderIdOf = ({ value }: TopicRecord): string | null => {
  try {
    const parsed = JSON.parse(value?.toString() ?? '') as { orderId?: unknown } | null
    return typeof parsed?.orderId === 'string' ? canonicalUuid(parsed.orderId) : null
  } catch {
    return null
  }
}

const keepBeginnings = async (sql: Sql, topic: string, offsets: readonly bigint[]): Promise<void> => {
  await sql`
    insert into adopt_beginnings
    select ${topic}::text, i.n - 1, i.first_offset
    from unnest(${textArray(offsets.map(String))}::text[]::bigint[]) with ordinality as i (first_offset, n)`
}

/** Covers clocks that differ. */
const slackMs = 10_000

/** Reads a topic of events. Returns, by partition, since when it has everything (ms since 1970). */
const readEvents = async (reading: Reading, kind: EventKind, topic: string): Promise<number[]> => {
  const { sql, reader } = reading
  const spans = await reader.spans(topic)
  const since = spans.map(({ start }) => (start === 0n ? -Infinity : Infinity))
  await readTopic(reading, topic, spans, async (records) => {
    for (const { partition, publishedAtMs } of records)
      if (since[partition] === Infinity) since[partition] = publishedAtMs + slackMs
    const ids = records.map(orderIdOf).filter((id) => id !== null)
    await sql`insert into adopt_published select id, ${kind}::text from unnest(${textArray(ids)}::text[]::uuid[]) id`
  })
  await keepBeginnings(
    sql,
    topic,
    spans.map(({ end }) => end),
  )
  return since
}

const instant = (ms: number | undefined): string =>
  ms === -Infinity ? '-infinity' : ms === undefined || ms === Infinity ? 'infinity' : new Date(ms).toISOString()

/** Loads everything that the topics have. The committed offsets of the reader's group say which trades Java has read. */
export const readTopics = async (
  reading: Reading,
  { topics, java }: { topics: Topics; java: JavaTables },
): Promise<void> => {
  const { sql, reader } = reading
  const trades = await reader.spans(topics.trades)
  await readTopic(reading, topics.trades, trades, (records) => storeLegs(sql, records.flatMap(legsOf), 'topic'))
  const committed = await reader.committed(topics.trades, trades.length)
  await keepBeginnings(
    sql,
    topics.trades,
    trades.map(({ start }, partition) => committed[partition] ?? start),
  )
  const since = new Map<EventKind, number[]>()
  for (const kind of eventKinds) since.set(kind, await readEvents(reading, kind, topics.events[kind]))
  const tickers = await sql<{ ticker: string }[]>`select distinct ticker from ${sql(`${java.name}.orders`)}`
  const sinceOf = (kind: EventKind): string =>
    textArray(
      tickers.map(({ ticker }) => {
        const partitions = since.get(kind)!
        return instant(partitions[keyHash(Buffer.from(ticker)) % partitions.length])
      }),
    )
  await sql`
    insert into adopt_tickers
    select * from unnest(${textArray(tickers.map(({ ticker }) => ticker))}::text[], ${sinceOf('PLACED')}::text[]::timestamptz[],
                         ${sinceOf('CANCELLED')}::text[]::timestamptz[])`
}

/** Loads the legs of the transaction processor's table, of this database: `schema.name`. The server does the work. */
export const copyTransactions = async (sql: Sql, table: string): Promise<void> => {
  await sql`
    insert into adopt_sources (trade_id, order_id, quantity, price, source)
    select t.trade_id::text::uuid, t.order_id::text::uuid, t.quantity, t.price, 'transactions' from ${sql(table)} t
    where t.trade_id is not null and t.order_id is not null`
}

/** The same from another database, through this process. */
export const streamTransactions = async (sql: Sql, other: Sql, progress: Progress): Promise<void> => {
  let done = 0
  const rows = other<{ trade: string; order: string; quantity: string | null; price: string | null }[]>`
    select t.trade_id::text as trade, t.order_id::text as "order", t.quantity::text, t.price::text from transactions t
    where t.trade_id is not null and t.order_id is not null`
  for await (const page of rows.cursor(batchMax)) {
    await storeLegs(
      sql,
      page.map(({ trade, order, quantity, price }) => [trade, order, quantity, price]),
      'transactions',
    )
    done += page.length
    progress.show('transactions', done, null)
  }
}

/** Call it once everything is loaded. */
export const indexSources = async (sql: Sql): Promise<void> => {
  await runScript(
    sql,
    `
    create index on adopt_published (order_id, kind);
    analyze adopt_sources; analyze adopt_published; analyze adopt_tickers`,
  )
}
