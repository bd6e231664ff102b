// The tables as they stand, read past the proxies with the harness's own driver session; and the audit, a trigger of the
// harness that notes every change of an order's status where the service cannot see it.

import postgres from 'postgres'
import { fromColumn } from './checker/amounts.ts'
import type { KeyRow, RulesChangeRow, SweepRow } from './checker/controlEvidence.ts'
import type {
  AuditRow,
  ChangeRow,
  Evidence,
  ExceptionRow,
  LedgerRow,
  OrderRow,
  ReportExceptionRow,
  ReportRow,
} from './checker/evidence.ts'

type Row = Record<string, string>
/** A `timestamptz` as the driver gives it. */
const timeOf = (value: unknown): number => (value as Date).getTime()
const timeOrNull = (value: unknown): number | null => (value instanceof Date ? value.getTime() : null)

export type Tables = {
  sql: postgres.Sql
  /** Creates the audit unless it exists. */
  installAudit: () => Promise<void>
  read: () => Promise<
    Pick<
      Evidence,
      | 'orders'
      | 'ledger'
      | 'changes'
      | 'exceptions'
      | 'reportRows'
      | 'reportExceptions'
      | 'audit'
      | 'keys'
      | 'rulesChanges'
      | 'sweeps'
    >
  >
  outbox: () => Promise<number>
  /** Orders whose end the engine was told of, or will be, reports that wait for fills, sweeps under way, and switches that are armed. */
  endings: () => Promise<number>
  /** One snapshot: the orders accepted since the last call whose event no longer waits, so it must be on the topic. */
  published: () => Promise<string[]>
  /** Orders that left a final state, according to the audit. */
  revived: () => Promise<string[]>
  close: () => Promise<void>
}

const audit = `
  create schema chaos;
  create table chaos.status_changes (
    seq bigint generated always as identity primary key, order_id uuid not null, old text not null, new text not null
  );
  create function chaos.note_status() returns trigger language plpgsql as $$
  begin
    insert into chaos.status_changes (order_id, old, new) values (new.id, old.status, new.status);
    return null;
  end $$;
  create trigger chaos_note_status after update on public.orders
    for each row when (old.status is distinct from new.status) execute function chaos.note_status();`

const amount = (text: string | null | undefined): bigint | null =>
  text === null || text === undefined ? null : fromColumn(text)

const epochOf = ({ rules_epoch: epoch }: Row): bigint | null => ((epoch ?? null) === null ? null : BigInt(epoch!))

const orderOf = (row: Row): OrderRow => ({
  id: row['id']!,
  userId: row['user_id']!,
  key: row['client_order_id'] ?? null,
  ticker: row['ticker']!,
  side: row['side']!,
  type: row['type']!,
  timeInForce: row['time_in_force']!,
  quantity: fromColumn(row['quantity']!),
  price: amount(row['price']),
  stopPrice: amount(row['stop_price']),
  displayQuantity: amount(row['display_quantity']),
  postOnly: (row['post_only'] as unknown) === true,
  expiresAt: timeOrNull(row['expires_at']),
  triggeredAt: timeOrNull(row['triggered_at']),
  filled: fromColumn(row['filled_quantity']!),
  notional: fromColumn(row['filled_notional']!),
  lastPrice: amount(row['last_fill_price']),
  status: row['status']!,
  version: Number(row['version']),
  createdAt: timeOf(row['created_at']),
  updatedAt: timeOf(row['updated_at']),
  position: BigInt(row['position']!),
  requestId: row['request_id'] ?? null,
  reasonCode: row['reason_code'] ?? null,
  reasonText: row['reason_text'] ?? null,
  rulesEpoch: epochOf(row),
  origin: row['origin'] ?? null,
  subject: row['subject'] ?? null,
})

const legOf = (row: Row) => ({
  orderId: row['order_id']!,
  tradeId: row['trade_id']!,
  side: row['side']!,
  ticker: row['ticker']!,
  quantity: fromColumn(row['quantity']!),
  price: fromColumn(row['price']!),
  partition: Number(row['kafka_partition']),
  offset: Number(row['kafka_offset']),
})

const ledgerOf = (row: Row): LedgerRow => ({
  ...legOf(row),
  late: row['late'] === 'true',
  version: Number(row['order_version']),
  cumulativeQuantity: amount(row['cumulative_quantity']),
  cumulativeNotional: amount(row['cumulative_notional']),
  at: timeOf(row['applied_at']),
  position: BigInt(row['position']!),
})

const changeOf = (row: Row): ChangeRow => ({
  orderId: row['order_id']!,
  version: Number(row['version']),
  kind: row['kind']!,
  at: timeOf(row['at']),
  reasonCode: row['reason_code'] ?? null,
  reasonText: row['reason_text'] ?? null,
  cause: JSON.parse(row['cause']!) as Record<string, unknown>,
  filled: fromColumn(row['filled_quantity']!),
  notional: fromColumn(row['filled_notional']!),
  lastPrice: amount(row['last_fill_price']),
  position: BigInt(row['position']!),
  rulesEpoch: epochOf(row),
})

const exceptionOf = (row: Row): ExceptionRow => ({
  ...legOf(row),
  disposition: row['disposition']!,
  message: Buffer.from(row['message']!, 'base64'),
})

const reportContentOf = (row: Row) => ({
  orderId: row['order_id']!,
  reportId: row['report_id']!,
  kind: row['kind']!,
  ticker: row['ticker']!,
  cumulative: amount(row['cumulative_quantity']),
  partition: Number(row['kafka_partition']),
  offset: Number(row['kafka_offset']),
})

const reportOf = (row: Row): ReportRow => ({ ...reportContentOf(row), state: row['state']! })

const reportExceptionOf = (row: Row): ReportExceptionRow => ({
  ...reportContentOf(row),
  disposition: row['disposition']!,
  message: Buffer.from(row['message']!, 'base64'),
})

const keyOf = (row: Row): KeyRow => ({
  userId: row['user_id']!,
  key: row['client_order_id']!,
  orderId: row['order_id'] ?? null,
  requestId: row['request_id'] ?? null,
  session: row['session'] ?? null,
})

const rulesChangeOf = (row: Row): RulesChangeRow => ({
  epoch: BigInt(row['epoch']!),
  at: timeOf(row['at']),
  ticker: row['ticker'] ?? null,
  state: row['state'] ?? null,
  requestId: row['request_id']!,
})

const sweepOf = (row: Row): SweepRow => ({
  id: row['id']!,
  scope: { userId: row['user_id'] ?? null, ticker: row['ticker'] ?? null, side: row['side'] ?? null },
  reasonCode: row['reason_code']!,
  cause: JSON.parse(row['cause']!) as Record<string, unknown>,
  begunAt: timeOf(row['begun_at']),
  dueAt: timeOrNull(row['due_at']),
  doneAt: timeOrNull(row['done_at']),
})

export const openTables = (url: string): Tables => {
  const sql = postgres(url, { max: 2, onnotice: () => undefined, backoff: () => 0.2, connect_timeout: 3 })
  let since = new Date(0)
  return {
    sql,
    async installAudit() {
      const [found] = await sql`select 1 from pg_namespace where nspname = 'chaos'`
      if (!found) await sql.unsafe(audit)
    },
    read: () =>
      sql.begin('isolation level repeatable read read only', async (tx) => {
        const orders = await tx<Row[]>`select * from orders order by id`
        const ledger = await tx<Row[]>`select *, late::text as late from ingested_fills`
        const exceptions = await tx<Row[]>`select *, encode(message, 'base64') as message from exceptions`
        const changes = await tx<Row[]>`select *, cause::text as cause from order_changes`
        const reports = await tx<Row[]>`select * from ingested_reports`
        const kept = await tx<Row[]>`select *, encode(message, 'base64') as message from report_exceptions`
        const keys = await tx<Row[]>`select user_id, client_order_id, order_id, request_id, session from order_keys`
        const rules = await tx<Row[]>`
          select epoch, at, nullif(ticker, '') as ticker, after ->> 'state' as state, request_id from rules_changes`
        const sweeps = await tx<Row[]>`select *, id::text as id, cause::text as cause from cancel_sweeps`
        const statuses = await tx<Row[]>`select order_id, old, new from chaos.status_changes order by seq`
        return {
          orders: orders.map(orderOf),
          ledger: ledger.map(ledgerOf),
          changes: changes.map(changeOf),
          exceptions: exceptions.map(exceptionOf),
          reportRows: reports.map(reportOf),
          reportExceptions: kept.map(reportExceptionOf),
          keys: keys.map(keyOf),
          rulesChanges: rules.map(rulesChangeOf),
          sweeps: sweeps.map(sweepOf),
          audit: statuses.map((row): AuditRow => ({ orderId: row['order_id']!, from: row['old']!, to: row['new']! })),
        }
      }),
    async outbox() {
      const [row] = await sql<{ rows: number }[]>`select count(*)::integer as rows from outbox`
      return row!.rows
    },
    async endings() {
      const [row] = await sql<{ rows: number }[]>`
        select ((select count(*) from order_endings) + (select count(*) from ingested_reports where settled_at is null)
              + (select count(*) from orders where open and expires_at < now())
              + (select count(*) from cancel_sweeps where done_at is null) + (select count(*) from cancel_after where fires_at is not null))::integer as rows`
      return row!.rows
    },
    async published() {
      // An order has its time before it is committed, and a frozen replica may commit it late.
      const next = new Date(Date.now() - 60_000)
      const rows = await sql<{ id: string }[]>`
        select o.id from orders o where o.created_at >= ${since} and o.stop_price is null and not (o.status = 'REJECTED' and o.version = 0)
        and not exists (select 1 from outbox x where x.order_id = o.id and x.kind = 'PLACED')`
      since = next
      return rows.map(({ id }) => id)
    },
    async revived() {
      const rows = await sql<{ order_id: string }[]>`
        select order_id from chaos.status_changes where old in ('FILLED', 'CANCELED', 'REJECTED', 'EXPIRED')`
      return rows.map((row) => row.order_id)
    },
    close: () => sql.end({ timeout: 1 }),
  }
}
