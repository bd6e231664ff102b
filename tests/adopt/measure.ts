// `bun tests/adopt/measure.ts --orders 1000000`: how long the take-over of so many orders takes on this machine, how much processor time of
// Postgres (which other work on the machine changes less), of each step and in all, and how much memory the command needs. With `--copy-only` there is no dry run before.
// Nine of ten orders are filled, by two legs each, or canceled; one of twenty is open. The amounts are in the transaction processor's table, those of the
// newest legs on the topic.

import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { startKafka } from '../stack/kafka.ts'
import { freePort } from '../stack/ports.ts'
import { createDatabase, startPostgres } from '../stack/postgres.ts'
import { binary } from '../support/binary.ts'
import { openKafka } from '../support/kafka.ts'
import { temporaryDir } from '../support/servers.ts'
import { makeJavaTables } from './javaDatabase.ts'

const { values } = parseArgs({
  args: Bun.argv.slice(2),
  options: { orders: { type: 'string', default: '100000' }, 'copy-only': { type: 'boolean', default: false } },
})
const orders = Number(values.orders)
const openEvery = 20
const published = 5_000

/** n: number of the order; of every ten, five are filled, three canceled, one filled in part by one leg. */
const fillTables = `
  insert into public.orders (id, user_id, ticker, side, type, time_in_force, quantity, price, status, created_at, updated_at, version, filled_quantity, last_fill_price)
  select gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad(to_hex(n % 1000), 12, '0'))::uuid, 'T' || n % 50, case n % 2 when 0 then 'BUY' else 'SELL' end,
         'LIMIT', 'GTC', 10, 100 + n % 7, s.status, at, case s.status when 'NEW' then at else at + interval '1 second' end, s.version, s.filled,
         case when s.filled > 0 then 100.5 end
  from generate_series(1, ORDERS) n
  cross join lateral (select now() - (ORDERS - n) * interval '10 milliseconds' as at) a
  cross join lateral (select case when n % ${openEvery} = 0 then 'NEW' when n % 10 < 6 then 'FILLED' when n % 10 < 9 then 'CANCELED' else 'PARTIALLY_FILLED' end as status) x
  cross join lateral (select x.status, case x.status when 'FILLED' then 2 when 'NEW' then 0 else 1 end as version,
                             case x.status when 'FILLED' then 10 when 'PARTIALLY_FILLED' then 4 else 0 end as filled) s;
  insert into public.ingested_fills (order_id, trade_id, ticker, ts)
  select o.id, gen_random_uuid(), o.ticker, o.created_at + k * interval '100 milliseconds'
  from public.orders o cross join lateral generate_series(1, case o.status when 'FILLED' then 2 when 'PARTIALLY_FILLED' then 1 else 0 end) k;
  insert into public.transactions (trade_id, order_id, quantity, price)
  select f.trade_id, f.order_id, case when o.status = 'PARTIALLY_FILLED' then 4 else 5 end, 100.5
  from public.ingested_fills f join public.orders o on o.id = f.order_id;
  analyze public.orders; analyze public.ingested_fills; analyze public.transactions`

const peakOf = async (pid: number): Promise<number> => {
  const status = await Bun.file(`/proc/${pid}/status`)
    .text()
    .catch(() => '')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0)
}

const ticksPerSecond = 100

/** Seconds of all processes of the server, also of those that have ended. */
const serverSeconds = async (pid: number): Promise<number> => {
  const children = (await Bun.file(`/proc/${pid}/task/${pid}/children`).text()).trim().split(' ')
  const ticks = async (of: string | number, fields: readonly number[]): Promise<number> => {
    const text = await Bun.file(`/proc/${of}/stat`)
      .text()
      .catch(() => '')
    const values = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields.reduce((sum, field) => sum + Number(values[field] ?? 0), 0)
  }
  // utime, stime, and both of the children that were waited for.
  const all = [ticks(pid, [11, 12, 13, 14]), ...children.map((child) => ticks(child, [11, 12]))]
  return (await Promise.all(all)).reduce((sum, each) => sum + each, 0) / ticksPerSecond
}

/** What the command says at the end of a step. */
const endOfStep = /^(read the topics|copied|verified|nothing was written)/

/** Prints what the command prints, and behind the end of each step how much processor time of the server it took. */
const printSteps = async (output: ReadableStream<Uint8Array>): Promise<void> => {
  let [rest, usedBefore] = ['', await serverSeconds(server.pid)]
  const decoder = new TextDecoder()
  for await (const bytes of output) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      console.log(line)
      if (!endOfStep.test(line)) continue
      const used = await serverSeconds(server.pid)
      console.log(`  ${(used - usedBefore).toFixed(1)} s of Postgres`)
      usedBefore = used
    }
  }
}

const run = async (args: readonly string[], env: Record<string, string>): Promise<void> => {
  const program = await binary()
  const [began, usedBefore] = [performance.now(), await serverSeconds(server.pid)]
  const child = Bun.spawn([program, ...args], { env, stdout: 'pipe', stderr: 'inherit' })
  let peakKb = 0
  const watch = setInterval(() => void peakOf(child.pid).then((kb) => (peakKb = Math.max(peakKb, kb))), 200)
  const [code] = await Promise.all([child.exited, printSteps(child.stdout)])
  clearInterval(watch)
  const took = (performance.now() - began) / 1000
  const used = (await serverSeconds(server.pid)) - usedBefore
  console.log(
    `orders ${args.join(' ')}: exit code ${code}, ${took.toFixed(1)} s, ${used.toFixed(1)} s of Postgres, at most ${Math.round(peakKb / 1024)} MB`,
  )
}

console.log(`${cpus().length} × ${cpus()[0]!.model}, load ${loadavg()[0]!.toFixed(1)}`)
const server = await startPostgres({ dataDir: temporaryDir('adopt-postgres'), port: await freePort() })
const broker = await startKafka({ dataDir: temporaryDir('adopt-kafka'), port: await freePort() })
try {
  const url = await createDatabase(server.url, 'java')
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  await makeJavaTables(sql)
  await sql.unsafe(fillTables.replaceAll('ORDERS', String(orders)))
  const kafka = openKafka(broker.bootstrap)
  await kafka.createTopics(['order.placed.v1', 'order.cancelled.v1', 'trade.executed.v1', 'trade.executed.v1.dlq'], {
    partitions: 6,
  })
  for await (const rows of sql<{ id: string; ticker: string; status: string }[]>`
    select id, ticker, status from public.orders where status in ('NEW', 'CANCELED')`.cursor(published))
    await kafka.publish(
      rows.map(({ id, ticker, status }) => ({
        topic: status === 'NEW' ? 'order.placed.v1' : 'order.cancelled.v1',
        key: ticker,
        value: JSON.stringify({ orderId: id }),
      })),
    )
  await sql.end()
  await kafka.close()
  const env = { DATABASE_URL: url, KAFKA_BOOTSTRAP_SERVERS: broker.bootstrap }
  if (!values['copy-only']) await run(['adopt', '--dry-run', '--transactions', 'transactions'], env)
  await run(['adopt', '--transactions', 'transactions'], env)
} finally {
  await Promise.all([server.stop(), broker.stop()])
}
