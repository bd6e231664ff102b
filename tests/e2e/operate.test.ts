// Proves: an operator places, reads and cancels orders of a running service with the binary alone, over a service that breaks off and over TLS.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority, writeCertificate } from '../support/certificates.ts'
import { afterAll, expect, test } from '../support/explained.ts'
import { userId } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { createWorld, tradeOf } from '../support/world.ts'

const world = await createWorld()
afterAll(() => world[Symbol.asyncDispose]())

type Json = Record<string, unknown>
const linesOf = (out: string): Json[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json)

/** `orders <line>` for this service. */
const deskOf = ({ port }: RunningService) => ({
  async orders(line: string) {
    const { exitCode, out, err } = await runBinary(line.split(' '), { SERVER_PORT: String(port) })
    return { code: exitCode, out, err }
  },
})

test('place, repeat, list, get, cancel', async () => {
  await using service = await world.start()
  const { orders } = deskOf(service)
  const terms = `--user ${userId} BUY 999999999999.12345678 AAPL @ 0.00000001 --tif GTC`

  const placed = await orders(`place ${terms}`)
  expect(placed).toMatchObject({ code: 0 })
  expect(placed.out).toMatch(/^accepted\nid +[0-9a-f-]{36}\n/)
  expect(placed.out).toMatch(/^quantity +999999999999\.12345678$/m)
  const key = /^orders place: the key is (\S+)\n$/.exec(placed.err)?.[1]
  const again = await orders(`place ${terms} --key ${key} --json`)
  expect(again).toMatchObject({ code: 0, err: '' })
  const [repeated] = linesOf(again.out)
  const id = (repeated!['order'] as Json)['id']
  expect(repeated).toMatchObject({ outcome: 'repeated', key, order: { status: 'NEW', timeInForce: 'GTC' } })
  expect(placed.out).toContain(`${id}`)

  const other = await orders(`place --user ${userId} BUY 1 AAPL @ 1 --key ${key}`)
  expect(other.code).toBe(1)
  expect(other.err).toStartWith('orders place: refused: this key already names another order')
  const refused = await orders(`place --user ${userId} BUY 1 AAPL @ 1 --post-only --key k-2`)
  expect(refused.code).toBe(1)
  expect(refused.err).toMatch(
    /^orders place: refused: NOT_SUPPORTED_BY_ENGINE: .* \(kept as order \S+; its key is used\)\n$/,
  )

  const valid = await orders(`place --user ${userId} BUY 1 AAPL @ 1 --dry-run`)
  expect(valid).toMatchObject({ code: 0, out: 'valid: the service would accept it\n', err: '' })
  const invalid = await orders(`place --user ${userId} BUY 1 AAPL @ 1 --post-only --dry-run`)
  expect(invalid.code).toBe(1)
  expect(invalid.err).toMatch(/^orders place: refused: NOT_SUPPORTED_BY_ENGINE: [^(]*\n$/)

  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 10, price: '0.00000001' }))
  await world.tradesConsumed()
  const table = await orders(`list --user ${userId} --ticker aapl --status open`)
  expect(table).toMatchObject({ code: 0, err: '' })
  expect(table.out.split('\n')[1]).toMatch(
    new RegExp(
      `^${id} .* BUY +999999999999\\.12345678 +AAPL +0\\.00000001 .* 10 +999999999989\\.12345678 +PARTIALLY_FILLED`,
    ),
  )
  const got = await orders(`get ${id} --fills --events`)
  for (const word of ['PARTIALLY_FILLED', 'TRADE', 'VERSION', 'ACCEPTED', 'FILLED', 'trade partition='])
    expect(got.out).toContain(word)

  const onlyNew = await orders(`cancel ${id} --only-new`)
  expect(onlyNew.code).toBe(1)
  expect(onlyNew.err).toContain('only an order with status NEW can be canceled')
  const canceled = await orders(`cancel ${id} 00000000-0000-4000-8000-000000000000 --json`)
  expect(canceled.code).toBe(1)
  expect(linesOf(canceled.out)).toMatchObject([
    { id, outcome: 'canceled', order: { status: 'CANCELED', filledQuantity: 10 } },
    { outcome: 'refused', problem: { code: 'NOT_FOUND' } },
  ])
  expect(linesOf((await orders(`list --status CANCELED --json`)).out)).toMatchObject([{ id, status: 'CANCELED' }])
})

test('a service that was killed in between: the same key, once', async () => {
  const service = await world.start()
  const env = { SERVER_PORT: String(service.port) }
  await service.kill()
  const args = ['place', '--user', userId, 'SELL', '5', 'KILLED', '--market', '--key', 'over-a-kill', '--json']
  const nobody = await runBinary(args, env)
  expect(nobody).toMatchObject({ exitCode: 1 })
  expect(linesOf(nobody.out)).toMatchObject([{ outcome: 'not placed', key: 'over-a-kill' }])
  await using next = await world.start({ port: service.port })
  expect(await runBinary(args, env)).toMatchObject({ exitCode: 0 })
  expect((await next.http('/orders?ticker=KILLED')).json['orders']).toHaveLength(1)
})

test('with a key of its own, over TLS', async () => {
  const dir = temporaryDir('operate')
  const authority = createAuthority('authority')
  const files = writeCertificate(dir, 'server', authority.issue('orders', { hosts: ['127.0.0.1'] }))
  const [caFile, keys] = [join(dir, 'ca.pem'), join(dir, 'keys')]
  writeFileSync(caFile, authority.cert)
  const made = await runBinary(['api-key', '--subject', userId, '--scopes', 'orders:read,orders:write'])
  const [key, line] = made.out.trim().split('\n')
  writeFileSync(keys, `${line}\n`)
  await using service = await world.start({
    env: { AUTH_API_KEYS_FILE: keys, SERVER_TLS_CERT_FILE: files.cert, SERVER_TLS_KEY_FILE: files.key },
  })
  const place = ['place', 'BUY', '1', 'TLS', '@', '1', '--url', service.url]
  const untrusted = await runBinary(place, { ORDERS_API_KEY: key! })
  expect(untrusted.exitCode).toBe(1)
  expect(untrusted.err).toContain('not placed: the certificate of the service is not accepted')
  const nobody = await runBinary([...place, '--ca-file', caFile])
  expect(nobody.err).toContain('asks for a credential: set ORDERS_API_KEY or ORDERS_TOKEN')
  // The credential says whose order it is.
  const good = await runBinary([...place, '--ca-file', caFile], { ORDERS_API_KEY: key! })
  expect(good.exitCode).toBe(0)
  expect(good.out).toMatch(new RegExp(`^userId +${userId}$`, 'm'))
})
