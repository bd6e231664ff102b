// Proves: an operator places, reads and cancels orders of a running service with the binary alone, over a service that breaks off and over TLS.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority, writeCertificate } from '../support/certificates.ts'
import { afterAll, expect, test } from '../support/explained.ts'
import { userId } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
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
  orders: async (line: string) => {
    const { exitCode, out, err } = await runBinary(line.trim().split(' '), { SERVER_PORT: String(port) })
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
  const id = (repeated!['order'] as Json)['id'] as string
  expect(repeated).toMatchObject({ outcome: 'repeated', key, order: { status: 'NEW', timeInForce: 'GTC' } })
  expect(placed.out).toContain(id)

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

test("a night's work: halt, refuse, cancel, set a limit, resume, and what is on record of it", async () => {
  await using service = await world.start()
  const { orders } = deskOf(service)
  const other = crypto.randomUUID()
  const placed = async (user: string, terms: string) => {
    const { out } = await orders(`place --user ${user} ${terms} --json`)
    return (linesOf(out)[0]!['order'] as Json)['id'] as string
  }
  const mine = await placed(userId, 'BUY 100 NIGHT @ 187.50 --tif GTC')
  const theirs = await placed(other, 'SELL 5 NIGHT @ 190')
  const elsewhere = await placed(other, 'SELL 5 DAWN @ 190')
  const open = async (rest: string) => {
    const { code, out } = await orders(`list --status open --json ${rest}`)
    expect(code).toBe(0)
    return linesOf(out).map((order) => order['id'])
  }
  expect(await open('--ticker night')).toEqual([theirs, mine])

  const halted = await orders('halt night --by ops@desk --note drill')
  expect(halted.out).toMatch(/^done: NIGHT: state ACTIVE → HALTED, since none → \S+ \(change \d+\)\n$/)
  const refused = await orders(`place --user ${userId} BUY 1 NIGHT @ 1`)
  expect(refused.code).toBe(1)
  expect(refused.err).toMatch(/refused: HALTED: .* \(kept as order \S+; its key is used\)\n$/)
  expect(await orders(`place --user ${userId} BUY 1 NIGHT @ 1 --dry-run`)).toMatchObject({ code: 1 })
  expect(await orders(`place --user ${other} BUY 1 DAWN @ 1`)).toMatchObject({ code: 0 })
  expect((await orders('instruments')).out).toMatch(/^NIGHT +HALTED +since \S+ by ops@desk: drill$/m)

  const unasked = await orders('cancel --ticker NIGHT')
  expect(unasked.code).toBe(2)
  expect(unasked.err).toContain('cancels 2 open orders of 2 users in 1 ticker (NIGHT): there is no terminal')
  expect(await open('--ticker NIGHT')).toHaveLength(2)
  const canceled = await orders('cancel --ticker NIGHT --yes --json')
  expect(canceled).toMatchObject({ code: 0, err: '' })
  expect(linesOf(canceled.out)).toEqual([
    { canceled: theirs },
    { canceled: mine },
    { total: { canceled: 2, notCanceled: 0, remaining: false, atLeast: false } },
  ])
  expect((await orders(`get ${mine} --events`)).out).toMatch(
    /1 +\S+ +CANCELED +CANCELED .*MASS_CANCELED.* mass-cancel requestId=/,
  )

  const set = await orders('instruments set NIGHT --tick 0.05 --lot 10 --by ops@desk --note ticks')
  expect(set).toMatchObject({ code: 0 })
  expect(set.err).toBe('orders instruments set: it is listed, tickSize none → 0.05, lotSize none → 10\n')
  await orders('instruments set NIGHT --lot none --max 1000 --by ops@desk --note lots')
  await orders('instruments defaults --notional-max 1000000.5 --by ops@desk --note all')
  expect(await orders('resume NIGHT --by ops@desk --note mended')).toMatchObject({ code: 0 })
  const tick = await orders(`place --user ${userId} BUY 1 NIGHT @ 1.01`)
  expect(tick.err).toContain('refused: TICK_SIZE')
  expect((await orders(`place --user ${userId} BUY 1000001 DAWN @ 1`)).err).toContain('refused: NOTIONAL_LIMIT')
  expect(await orders(`place --user ${userId} BUY 1 NIGHT @ 1.05`)).toMatchObject({ code: 0 })
  const shown = await orders('instruments night')
  expect(shown.out.split('\n')[2]!.replace(/ +/g, ' ')).toBe('NIGHT ACTIVE 0.05 1000 ops@desk: lots')
  expect((await orders('instruments')).out).toContain('limits where a ticker has none: notionalMax 1000000.5\n')
  expect(await orders('instruments delist NIGHT --by ops@desk --note gone')).toMatchObject({ code: 0 })

  const { out: all } = await orders('halt --by ops@desk --note flood --cancel-open --yes --json')
  expect(linesOf(all)[0]).toMatchObject({ ticker: null, after: { state: 'HALTED', cancelOpen: true } })
  await until(async () => (await open('')).length === 0, { what: 'what was open is canceled' })
  expect((await orders(`get ${elsewhere} --events`)).out).toMatch(/CANCELED .*HALT.* halt requestId=/)
  expect(await orders('resume --by ops@desk --note over --yes')).toMatchObject({ code: 0 })

  const changes = linesOf((await orders('instruments changes --json')).out)
  expect(changes.map(({ what, ticker, by, note }) => [what, ticker, by, note].join(' '))).toEqual([
    'TRADING  ops@desk over',
    'TRADING  ops@desk flood',
    'DELISTED NIGHT ops@desk gone',
    'TRADING NIGHT ops@desk mended',
    'TRADING  ops@desk all',
    'LISTED NIGHT ops@desk lots',
    'LISTED NIGHT ops@desk ticks',
    'TRADING NIGHT ops@desk drill',
  ])
  const table = await orders('instruments changes')
  expect(table.out).toMatch(/LISTED +NIGHT +ops@desk +lots +.*lotSize 10 → none/)
})

test('a key is made void, or shows its order', async () => {
  await using service = await world.start()
  const { orders } = deskOf(service)
  expect(await orders(`void lost --user ${userId}`)).toMatchObject({
    code: 0,
    out: 'void: no order with this key can be accepted any more\n',
  })
  const late = await orders(`place --user ${userId} BUY 1 VOID @ 1 --key lost`)
  expect(late.code).toBe(1)
  expect(late.err).toStartWith('orders place: refused: ')
  expect(await orders(`place --user ${userId} BUY 1 VOID @ 1 --key found`)).toMatchObject({ code: 0 })
  const used = await orders(`void found --user ${userId}`)
  expect(used.code).toBe(1)
  expect(used.out).toStartWith('the key was used before:\nid ')
})
