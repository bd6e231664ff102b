// Proves: `orders watch` shows what happens to orders, as JSON lines and as a table, over a restart of the service, and says why it ends.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FileSink } from 'bun'
import { hold, release } from '../stack/guard.ts'
import { freePort } from '../stack/ports.ts'
import { binary } from '../support/binary.ts'
import { createAuthority, writeCertificate } from '../support/certificates.ts'
import { afterAll, describe, expect, test } from '../support/explained.ts'
import { userId } from '../support/orderBody.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf } from '../support/world.ts'

const world = await createWorld()
afterAll(() => world[Symbol.asyncDispose]())

type Line = {
  event?: { orderId: string; version: number; kind: string }
  order?: Record<string, unknown>
  live?: true
  reset?: string
}

/** `orders watch` as a child process. `terminal`: under a pseudo-terminal of this size. */
const startWatch = async (
  args: readonly string[],
  env: Record<string, string> = {},
  terminal?: { columns: number; rows: number },
) => {
  const command = [await binary(), 'watch', ...args]
  const size = terminal === undefined ? '' : `stty cols ${terminal.columns} rows ${terminal.rows}; `
  const child = Bun.spawn(
    terminal === undefined ? command : ['script', '-qefc', `${size}exec ${command.join(' ')}`, '/dev/null'],
    {
      stdin: terminal === undefined ? 'ignore' : 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      env: { PATH: '/usr/bin:/bin', TERM: 'xterm', ...env },
      detached: true,
    },
  )
  hold(child.pid, 'SIGKILL')
  let [out, err] = ['', '']
  const collect = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }))
  }
  const outputs = [
    collect(child.stdout, (text) => void (out += text)),
    collect(child.stderr, (text) => void (err += text)),
  ]
  const exited = Promise.all([child.exited, ...outputs]).then(([code]) => {
    release(child.pid)
    return code
  })
  return {
    out: () => out,
    err: () => err,
    lines: (): Line[] =>
      out
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line),
    exited,
    stop: () => child.kill('SIGTERM'),
    /** What a person types. */
    type(text: string): void {
      const keyboard = child.stdin as FileSink
      void keyboard.write(text)
      void keyboard.flush()
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}
type Watch = Awaited<ReturnType<typeof startWatch>>

const isLive = (watch: Watch) => until(() => watch.lines().some(({ live }) => live), { what: 'the stream is live' })
const eventsOf = (watch: Watch): string[] =>
  watch.lines().flatMap(({ event }) => (event === undefined ? [] : [`${event.kind} ${event.orderId} ${event.version}`]))

describe('JSON lines', () => {
  test('the open orders, then each change once, also over a restart of the service', async () => {
    const port = await freePort()
    let service = await world.start({ port })
    const open = await placeOrder(service)
    await using watch = await startWatch([], { SERVER_PORT: String(port) })
    await isLive(watch)
    expect(watch.lines().map(({ order }) => order?.['id'])).toContain(open)

    const id = await placeOrder(service)
    await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 10 }))
    await until(() => eventsOf(watch).includes(`FILLED ${id} 1`), { what: 'the fill is shown' })
    expect(await service.stop()).toBe(0)
    await until(() => watch.err().includes(`reconnecting to http://127.0.0.1:${port}/`), {
      what: 'it says that it connects again, and where',
    })
    service = await world.start({ port })
    const late = await placeOrder(service)
    await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 90 }))
    await service.http(`/orders/${late}/cancel`, { method: 'POST' })
    await until(() => eventsOf(watch).length >= 5, { what: 'all changes are shown' })

    expect(eventsOf(watch).filter((event) => event.includes(id))).toEqual([
      `ACCEPTED ${id} 0`,
      `FILLED ${id} 1`,
      `FILLED ${id} 2`,
    ])
    expect(eventsOf(watch).filter((event) => event.includes(late))).toEqual([
      `ACCEPTED ${late} 0`,
      `CANCELED ${late} 1`,
    ])
    expect(watch.lines().filter(({ live }) => live)).toHaveLength(1)
    const { json: now } = await service.http(`/orders/${id}`)
    expect(watch.lines().findLast(({ event }) => event?.orderId === id)!.order).toEqual(now)
    watch.stop()
    expect(await watch.exited).toBe(0)
    await service.stop()
  })

  test('the filters are those of the stream', async () => {
    await using service = await world.start()
    await using watch = await startWatch(['--ticker', 'msft', '--user', userId.toUpperCase(), '--url', service.url])
    await isLive(watch)
    await placeOrder(service, { ticker: 'OTHER' })
    await placeOrder(service, { ticker: 'MSFT', userId: crypto.randomUUID() })
    const id = await placeOrder(service, { ticker: 'MSFT' })
    await until(() => eventsOf(watch).length > 0, { what: 'a change is shown' })
    expect(eventsOf(watch)).toEqual([`ACCEPTED ${id} 0`])
  })

  test('whoever reads only some lines ends it', async () => {
    await using service = await world.start()
    await placeOrder(service)
    const child = Bun.spawn(['sh', '-c', `'${await binary()}' watch --url ${service.url} | head -n 1`], {
      stdout: 'pipe',
    })
    const first = until(() => placeOrder(service).then(() => child.exitCode !== null), { what: 'the pipe ends' })
    expect(JSON.parse(await new Response(child.stdout).text())).toHaveProperty('order')
    expect(await child.exited).toBe(0)
    await first
  })
})

describe('a table', () => {
  test('fits the terminal, changes in place, and the terminal is given back at Ctrl-C', async () => {
    await using service = await world.start()
    const id = await placeOrder(service, { ticker: 'TABLE' })
    await using watch = await startWatch(['--ticker', 'TABLE', '--url', service.url], {}, { columns: 100, rows: 8 })
    const frames = () => watch.out().split('\u001b[?2026h').slice(1)
    const last = () => Bun.stripANSI(frames().at(-1) ?? '')
    await until(() => last().includes('live'), { what: 'it is live' })
    expect(last()).toContain(id.slice(-12))
    await service.http(`/orders/${id}/cancel`, { method: 'POST' })
    await until(() => last().includes('CANCELED') && last().includes('0 open, 1 ended'), {
      what: 'the cancel is shown',
    })
    for (const line of last().split('\r\n')) expect(line.length).toBeLessThanOrEqual(100)
    expect(last().split('\r\n')).toHaveLength(8)
    await service.kill()
    await until(() => last().includes('reconnecting'), { what: 'it says that it connects again' })
    watch.type('\u0003')
    expect(await watch.exited).toBe(0)
    expect(watch.out()).toStartWith('\u001b[?1049h\u001b[?25l')
    expect(watch.out()).toEndWith('\u001b[?25h\u001b[?1049l')
  })
})

describe('it ends with one sentence', () => {
  test('where a credential is asked for, and where it is refused', async () => {
    const keys = join(temporaryDir('watch'), 'keys')
    const keyFor = async (scopes: string) =>
      (await runBinary(['api-key', '--subject', userId, '--scopes', scopes])).out.trim().split('\n')
    const [key, line] = await keyFor('orders:read')
    const [writeKey, writeLine] = await keyFor('orders:write')
    writeFileSync(keys, `${line}\n${writeLine}\n`)
    await using service = await world.start({ env: { AUTH_API_KEYS_FILE: keys } })
    const none = await runBinary(['watch', '--url', service.url])
    expect(none).toMatchObject({ exitCode: 1, out: '' })
    expect(none.err).toMatch(
      /^orders watch: the service asks for a credential: set ORDERS_API_KEY or ORDERS_TOKEN[^\n]*\n$/,
    )
    const wrong = await runBinary(['watch', '--url', service.url], { ORDERS_API_KEY: `${key!.slice(0, -1)}x` })
    expect(wrong).toMatchObject({ exitCode: 1, out: '' })
    expect(wrong.err).toContain('does not accept this credential')
    const writer = await runBinary(['watch', '--url', service.url], { ORDERS_API_KEY: writeKey! })
    expect(writer).toMatchObject({ exitCode: 1, out: '' })
    expect(writer.err).toContain('may not watch these orders')
    await using watch = await startWatch(['--url', service.url], { ORDERS_TOKEN: key! })
    await isLive(watch)
  })

  test('where the certificate is not trusted; with --ca-file it is', async () => {
    const dir = temporaryDir('watch-tls')
    const authority = createAuthority('authority')
    const files = writeCertificate(dir, 'server', authority.issue('orders', { hosts: ['127.0.0.1'] }))
    const caFile = join(dir, 'ca.pem')
    writeFileSync(caFile, authority.cert)
    await using service = await world.start({
      env: { SERVER_TLS_CERT_FILE: files.cert, SERVER_TLS_KEY_FILE: files.key },
    })
    const { url } = service
    const refused = await runBinary(['watch', '--url', url])
    expect(refused.exitCode).toBe(1)
    expect(refused.err).toContain('the certificate of the service is not accepted')
    await using watch = await startWatch(['--url', url, '--ca-file', caFile])
    await isLive(watch)
  })

  test('where the arguments make no sense; --help says them', async () => {
    const bad = await runBinary([
      'watch',
      '--user',
      'me',
      '--ticker',
      'a b',
      '--url',
      'ftp://x',
      '--ca-file',
      '/nowhere',
    ])
    expect(bad.exitCode).toBe(2)
    for (const fault of [
      '--user must be a UUID',
      '--ticker must be',
      '--url must give an address',
      '--ca-file must be',
    ])
      expect(bad.err).toContain(fault)
    const help = await runBinary(['watch', '--help'])
    expect(help).toMatchObject({ exitCode: 0, err: '' })
    expect(help.out).toContain('ORDERS_API_KEY')
  })
})
