// Proves: a Postgres of the stack keeps what was committed through a SIGKILL, starts again on its data, and says why when it
// cannot.

import { expect, test } from 'bun:test'
import postgres from 'postgres'
import { temporaryDir } from '../support/servers.ts'
import { freePort } from './ports.ts'
import { databaseUrl, startPostgres } from './postgres.ts'
import { childrenOf, isAlive } from './processes.ts'

const query = async (url: string, statement: string): Promise<unknown[]> => {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    return await sql.unsafe(statement)
  } finally {
    await sql.end()
  }
}

test('commits survive a SIGKILL of the whole server, with full durability', async () => {
  const server = await startPostgres({ dataDir: temporaryDir('postgres'), port: await freePort() })
  try {
    const url = await server.createDatabase('orders')
    await query(url, 'create table t as select 1 as n')
    const [pid, children] = [server.pid, childrenOf(server.pid)]
    expect(children.length).toBeGreaterThan(0)

    await server.kill()
    expect([pid, ...children].filter(isAlive)).toEqual([])

    await server.restart()
    expect(server.pid).not.toBe(pid)
    expect(await query(url, 'select n from t')).toEqual([{ n: 1 }])
    const durable = `select setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes')`
    expect(await query(url, durable)).toEqual([{ setting: 'on' }, { setting: 'on' }, { setting: 'on' }])
  } finally {
    await server.stop()
  }
})

test('a second start on the same folder finds its data and its password', async () => {
  const dataDir = temporaryDir('postgres')
  const first = await startPostgres({ dataDir, port: await freePort(), settings: { work_mem: '5MB' } })
  expect(await query(first.url, 'show work_mem')).toEqual([{ work_mem: '5MB' }])
  await first.createDatabase('kept')
  await first.stop()
  const second = await startPostgres({ dataDir, port: await freePort() })
  expect(await query(databaseUrl(second.url, 'kept'), 'select 1 as n')).toEqual([{ n: 1 }])
  await second.stop()
})

test('no file grows beyond fileBytesMax; after a start without it the same data has room', async () => {
  const dataDir = temporaryDir('postgres')
  const fileBytesMax = 1024 * 1024 + 4096
  const full = await startPostgres({ dataDir, port: await freePort(), fileBytesMax })
  await query(full.url, 'create table t (line text)')
  const insert = `insert into t select repeat('x', 1000) from generate_series(1, 500)`
  const filling = (async () => {
    for (;;) await query(full.url, insert)
  })()
  expect(filling).rejects.toThrow(/could not extend file/)
  await filling.catch(() => {})
  const [found] = (await query(full.url, `select pg_relation_size('t')::integer as bytes`)) as { bytes: number }[]
  expect(found!.bytes).toBeGreaterThan(0)
  expect(found!.bytes).toBeLessThanOrEqual(fileBytesMax)
  await full.stop()
  const roomy = await startPostgres({ dataDir, port: await freePort() })
  await query(roomy.url, insert)
  await roomy.stop()
})

test('a lock that names an unrelated process is not in the way', async () => {
  const dataDir = temporaryDir('postgres')
  const server = await startPostgres({ dataDir, port: await freePort() })
  await server.kill()
  const lock = Bun.file(`${server.dataDir}/cluster/postmaster.pid`)
  await Bun.write(lock, (await lock.text()).replace(/^\d+/, `${process.pid}`))
  await server.stop()
  const again = await startPostgres({ dataDir, port: await freePort() })
  await again.stop()
})

test('a start that fails says why, with the end of the log', async () => {
  const start = startPostgres({
    dataDir: temporaryDir('postgres'),
    port: await freePort(),
    settings: { nonsense: '1' },
  })
  expect(start).rejects.toThrow(/Postgres ended at start[\s\S]*nonsense/)
  await start.catch(() => {})
})

test('data of another version are refused in one sentence', async () => {
  const dataDir = temporaryDir('postgres')
  const server = await startPostgres({ dataDir, port: await freePort() })
  await server.stop()
  await Bun.write(`${server.dataDir}/cluster/PG_VERSION`, '14\n')
  const start = startPostgres({ dataDir, port: await freePort() })
  expect(start).rejects.toThrow(/are of PostgreSQL 14, not \d+: .* STACK_POSTGRES_VERSION=14\.$/)
  await start.catch(() => {})
})
