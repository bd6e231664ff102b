// Proves: the binary works at a shell: its subcommands, its exit codes, and what it says when it cannot start.

import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pages } from '../../src/handbook/pages.ts'
import { createDatabase } from '../support/database.ts'
import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'
import { createWorld } from '../support/world.ts'

const manifest = (await Bun.file(join(import.meta.dir, '..', '..', 'package.json')).json()) as { version: string }
const lastLine = (text: string): Record<string, unknown> => JSON.parse(text.trim().split('\n').at(-1)!)

test('from source the version is that of the next release, still in development, with the commit where there is git', async () => {
  const versionIn = async (folder: string, env: Record<string, string> = {}): Promise<string> => {
    const command = [process.execPath, join(folder, 'src', 'main.ts'), '--version']
    const child = Bun.spawn(command, { env: { ...process.env, ...env }, stdout: 'pipe' })
    const [out] = await Promise.all([child.stdout.text(), child.exited])
    return out.trim()
  }
  const dev = `${manifest.version}-dev`
  const here = join(import.meta.dir, '..', '..')
  const { exitCode, stdout } = Bun.spawnSync(['git', '-C', here, 'rev-parse', '--short=12', 'HEAD'])
  const commit = exitCode === 0 ? stdout.toString().trim() : 'unknown'
  expect([`${dev}+${commit}`, `${dev}+${commit}-dirty`]).toContain(await versionIn(here))
  const copy = temporaryDir('source')
  for (const part of ['src', 'sql', 'package.json']) cpSync(join(here, part), join(copy, part), { recursive: true })
  expect(await versionIn(copy)).toBe(`${dev}+unknown`)
  expect(await versionIn(copy, { ORDERS_COMMIT: '0123456789ab' })).toBe(`${dev}+0123456789ab`)
})

test('--version, --help and a subcommand that does not exist', async () => {
  const version = await runBinary(['--version'])
  expect(version).toMatchObject({ exitCode: 0, err: '' })
  expect(version.out).toMatch(
    new RegExp(`^${RegExp.escape(manifest.version)} \\((unknown|[0-9a-f]{12}(-dirty)?)\\)\n$`),
  )
  const help = await runBinary(['--help'])
  expect(help).toMatchObject({ exitCode: 0, err: '' })
  for (const word of ['serve', 'migrate', 'health', '--version', 'DATABASE_URL']) expect(help.out).toContain(word)
  const unknown = await runBinary(['explode'])
  expect(unknown).toMatchObject({ exitCode: 2, out: '' })
  expect(unknown.err).toContain('explode')
})

test('`orders help` lists the pages of the handbook and prints each as it is', async () => {
  const list = await runBinary(['help'])
  expect(list).toMatchObject({ exitCode: 0, err: '' })
  for (const { name, about } of pages) {
    expect(list.out).toMatch(new RegExp(`^  ${name} +${about}$`, 'm'))
    const source = await Bun.file(join(import.meta.dir, `../../src/handbook/${name}.md`)).text()
    expect(await runBinary(['help', name])).toMatchObject({ exitCode: 0, err: '', out: source })
  }
  for (const words of [['nothing'], ['api', 'runbook'], ['../README']]) {
    const unknown = await runBinary(['help', ...words])
    expect(unknown).toMatchObject({ exitCode: 2, out: '' })
    expect(unknown.err).toContain(`no page "${words.join(' ')}"`)
    expect(unknown.err).toContain(list.out)
  }
  expect((await runBinary(['--help'])).out).toContain('orders help [page]')
})

test('a bad configuration is one message that lists every fault and prints no secret', async () => {
  const env = {
    SERVER_PORT: '99999',
    LOG_LEVEL: 'loud',
    DATABASE_URL: 'mysql://app:hunter2@db/orders',
    KAFKA_BOOTSTRAP_SERVERS: 'no port',
    KAFKA_TOPIC_ORDER_PLACED: 'same',
    KAFKA_TOPIC_ORDER_CANCELLED: 'same',
    DB_LOCK_TIMEOUT_MS: '3000',
    OUTBOX_MAX_ROWS: 'many',
  }
  for (const command of [[], ['serve'], ['migrate']]) {
    const { exitCode, out, err } = await runBinary(command, env)
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' })
    for (const word of [
      'SERVER_PORT',
      'LOG_LEVEL',
      'DATABASE_URL',
      'KAFKA_BOOTSTRAP_SERVERS',
      'KAFKA_TOPIC_',
      'DB_LOCK_TIMEOUT_MS',
      'OUTBOX_MAX_ROWS',
    ])
      expect(err).toContain(word)
    expect(err).toStartWith('orders: the configuration has 7 faults:\n')
    expect(err).not.toContain('hunter2')
  }
  const nothing = await runBinary([])
  expect(nothing).toMatchObject({ exitCode: 2, out: '' })
  expect(nothing.err).toContain('DATABASE_URL')
})

test('migrate brings the schema once; serve without migrating refuses until then', async () => {
  const database = await createDatabase({ empty: true })
  try {
    const env = { DATABASE_URL: database.url, SERVER_PORT: '0', KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1' }
    const refused = await runBinary(['serve'], { ...env, DB_MIGRATE: 'false' })
    expect(refused.exitCode).toBe(1)
    expect(lastLine(refused.out)['message']).toContain('migrate')

    const [first, beside] = await Promise.all([runBinary(['migrate'], env), runBinary(['migrate'], env)])
    expect([first.exitCode, beside.exitCode]).toEqual([0, 0])
    const applied = [first, beside].map(({ out }) => (lastLine(out)['applied'] as string[]).length)
    // One of the two did it all, the other waited.
    expect(Math.min(...applied)).toBe(0)
    expect(Math.max(...applied)).toBeGreaterThan(2)
    const again = await runBinary(['migrate'], env)
    expect(again.exitCode).toBe(0)
    expect(lastLine(again.out)).toMatchObject({ message: 'the schema is up to date', applied: [] })
    expect(await database.sql`select id from orders`).toHaveLength(0)
  } finally {
    await database.drop()
  }
})

test('migrate without Postgres ends with 1 and one sentence', async () => {
  const { exitCode, out } = await runBinary(['migrate'], { DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/none' })
  expect(exitCode).toBe(1)
  expect(lastLine(out)).toMatchObject({ level: 'error', message: 'the schema was not migrated' })
  expect(out).not.toContain('hunter2')
})

test("the Java service's database is left alone, with one sentence", async () => {
  const database = await createDatabase({ empty: true })
  try {
    await database.sql`create table orders (id uuid primary key, status varchar(20))`
    await database.sql`insert into orders values (gen_random_uuid(), 'FILLED')`
    const look = async () => ({
      tables:
        await database.sql`select relname, relkind from pg_class where relnamespace = 'public'::regnamespace order by 1`,
      rows: await database.sql`select * from orders`,
    })
    const before = await look()
    const env = { DATABASE_URL: database.url, SERVER_PORT: '0', KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1' }
    for (const command of ['serve', 'migrate']) {
      const { exitCode, out } = await runBinary([command], env)
      expect(exitCode).toBe(1)
      expect(out).toContain('run orders adopt')
      expect(out).not.toContain('    at ')
    }
    expect(await look()).toEqual(before)
  } finally {
    await database.drop()
  }
})

test('a port that is taken ends the start with a sentence that names it', async () => {
  await using world = await createWorld()
  const first = await world.start()
  const second = await world.start({ port: first.port, wait: 'nothing' })
  expect(await second.exited).toBe(1)
  expect(second.log.at(-1)).toMatchObject({ level: 'error' })
  expect(second.log.at(-1)!.message).toContain(String(first.port))
  expect((await first.post(orderBody())).status).toBe(202)
})

test('health asks the service on this host', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const env = { SERVER_PORT: String(service.port) }
  for (const args of [['health'], ['health', '--ready']]) {
    const { exitCode, out } = await runBinary(args, env)
    expect({ args, exitCode, status: out.slice(0, 3) }).toEqual({ args, exitCode: 0, status: '200' })
  }
  expect(await service.stop()).toBe(0)
  const result = await runBinary(['health'], env)
  expect(result.exitCode).toBe(1)
  expect(result.out).toContain('no answer')
})

test('health --ready tells alive from ready', async () => {
  await using world = await createWorld({ createTopics: false })
  const service = await world.start({
    wait: 'live',
    env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1' },
  })
  const env = { SERVER_PORT: String(service.port) }
  expect((await runBinary(['health'], env)).exitCode).toBe(0)
  expect((await runBinary(['health', '--ready'], env)).exitCode).toBe(1)
})

test('files of the folder that it is started in do not reach it', async () => {
  const dir = temporaryDir('hostile')
  const mark = join(dir, 'was-here')
  const evil = `require('node:fs').writeFileSync(${JSON.stringify(mark)}, ''); process.exit(99)`
  const files = {
    '.env': 'DATABASE_URL=postgres://evil:evil@127.0.0.1:1/evil\nLOG_LEVEL=nonsense\nCE_SOURCE=/evil\n',
    '.env.production': 'BODY_MAX_BYTES=1\n',
    'bunfig.toml': 'preload = ["./evil.js"]\n[run]\npreload = ["./evil.js"]\n',
    'evil.js': evil,
    'package.json': '{"type":"commonjs","imports":{"#x":"./evil.js"}}',
    'tsconfig.json': '{"compilerOptions":{"paths":{"*":["./evil.js"]}}}',
    'index.js': evil,
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content)
  for (const name of ['elysia', 'postgres', 'undici']) {
    mkdirSync(join(dir, 'node_modules', name), { recursive: true })
    writeFileSync(join(dir, 'node_modules', name, 'index.js'), evil)
  }
  await using world = await createWorld()
  const service = await world.start({ cwd: dir })
  expect((await service.post(orderBody())).status).toBe(202)
  const [event] = await world.kafka.readUntil(world.topics.placed, 1)
  expect(event!.headers['ce_source']).toBe('/orders')
  expect(await service.stop()).toBe(0)
  expect(service.noise()).toBe('')
  expect(existsSync(mark)).toBe(false)
})

test("an existing deployment's keys: the JDBC address, user and password apart", async () => {
  await using world = await createWorld()
  const { DATABASE_URL: _, ...rest } = world.env
  const url = new URL(world.databaseUrl)
  await using service = await world.start({
    env: {
      ...rest,
      DATABASE_URL: '',
      SPRING_DATASOURCE_URL: `jdbc:postgresql://${url.host}${url.pathname}?ApplicationName=legacy&reWriteBatchedInserts=true`,
      SPRING_DATASOURCE_USERNAME: url.username,
      SPRING_DATASOURCE_PASSWORD: url.password,
    },
  })
  expect((await service.post(orderBody())).status).toBe(202)
  expect((await service.logged('reWriteBatchedInserts')).level).toBe('warn')
  expect(
    (await world.sql`select from pg_stat_activity where application_name = 'legacy' and datname = current_database()`)
      .length,
  ).toBeGreaterThan(0)
  expect(JSON.stringify(service.log)).not.toContain(url.password)
})
