// Proves: the binary meets a broker that asks for TLS, a client's certificate or a login with what its environment provides,
// accepts no other broker in its place, and says what to mend when it is refused, while orders go on into the outbox.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { openBrokerDoor, requests } from '../support/brokerDoor.ts'
import { afterAll, beforeAll, describe, expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { sessionMs, startSecureKafka, users, type SecureKafka } from '../support/secureKafka.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf } from '../support/world.ts'

let secure: SecureKafka
beforeAll(async () => {
  secure = await startSecureKafka()
})
afterAll(() => secure[Symbol.asyncDispose]())

type Way = { at: keyof SecureKafka['at']; env: (secure: SecureKafka) => Record<string, string> }

const login = (mechanism: string, { passwords }: SecureKafka): Record<string, string> => ({
  KAFKA_SASL_MECHANISM: mechanism,
  KAFKA_SASL_USERNAME: mechanism === 'PLAIN' ? users.plain : users.scram,
  KAFKA_SASL_PASSWORD: mechanism === 'PLAIN' ? passwords.plain : passwords.scram,
})
const overTls = (mechanism: string, at: Way['at'] = 'SASLSSL'): Way => ({
  at,
  env: (secure) => ({
    KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    KAFKA_TLS_CA_FILE: secure.files.ca,
    ...login(mechanism, secure),
  }),
})
const tls: Way = {
  at: 'SSL',
  env: ({ files }) => ({ KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_TLS_CA_FILE: files.ca }),
}
const mutual: Way = {
  at: 'MUTUAL',
  env: (secure) => ({
    ...tls.env(secure),
    KAFKA_TLS_CERT_FILE: secure.files.clientCert,
    KAFKA_TLS_KEY_FILE: secure.files.clientKey,
  }),
}

const worldOf = ({ at, env }: Way, more: Record<string, string> = {}) =>
  createWorld({ kafkaAt: secure.server.bootstrap, bootstrap: secure.at[at], env: { ...env(secure), ...more } })

type Health = { status: string; components: Record<string, { status: string; details: Record<string, unknown> }> }
const kafkaOf = async (service: RunningService) =>
  ((await service.http('/actuator/health')).json as unknown as Health).components['kafka']!
const kafkaUp = (service: RunningService) =>
  until(async () => (await kafkaOf(service)).status === 'UP', { what: 'kafka is up in health' })

/** For how long the oldest of the connections to the port that are open now was seen; where no /proc tells, for ever. */
const watchConnections = (port: number): (() => number) => {
  const file = '/proc/net/tcp'
  if (!existsSync(file)) return () => Infinity
  const [remote, established] = [`:${port.toString(16).padStart(4, '0').toUpperCase()}`, '01']
  let seenSince = new Map<string, number>()
  return () => {
    const now = performance.now()
    const open = readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , to, state]) => to?.endsWith(remote) === true && state === established)
      .map(([, from]) => from!)
    seenSince = new Map(open.map((from) => [from, seenSince.get(from) ?? now]))
    return now - Math.min(now, ...seenSince.values())
  }
}

describe('orders go out and trades come in', () => {
  const ways: [string, Way][] = [
    ['over TLS', tls],
    ['over TLS with a certificate of the client', mutual],
    ['with SASL_SSL and PLAIN', overTls('PLAIN')],
    ['with SASL_SSL and SCRAM-SHA-256', overTls('SCRAM-SHA-256')],
    ['with SASL_SSL and SCRAM-SHA-512', overTls('SCRAM-SHA-512')],
    [
      'with SASL_PLAINTEXT and a password in a file',
      {
        at: 'SASLPLAIN',
        env: ({ passwords }) => ({
          KAFKA_SECURITY_PROTOCOL: 'sasl_plaintext',
          KAFKA_SASL_MECHANISM: 'scram-sha-512',
          KAFKA_SASL_USERNAME: users.scram,
          KAFKA_SASL_PASSWORD_FILE: passwordFile(passwords.scram),
        }),
      },
    ],
  ]
  const passwordFile = (password: string): string => {
    const path = `${temporaryDir('secret')}/password`
    writeFileSync(path, `${password}\n`)
    return path
  }

  test.each(ways)('%s; verify and redrive read the topics', async (_, way) => {
    await using world = await worldOf(way)
    const service = await world.start()
    const { json } = await service.post(orderBody())
    await world.outboxEmpty()
    expect(await world.kafka.readUntil(world.topics.placed, 1)).toHaveLength(1)
    await world.publishTrades(
      tradeOf({ buyOrderId: json['id'], quantity: 40 }),
      tradeOf({ buyOrderId: crypto.randomUUID() }),
    )
    await world.tradesConsumed()
    expect((await service.http(`/orders/${String(json['id'])}`)).json).toMatchObject({ filledQuantity: 40 })
    await kafkaUp(service)

    const verified = await runBinary(['verify', '--topics'], world.env)
    expect(verified).toMatchObject({ exitCode: 0, out: expect.stringContaining('1 orders, 1 fills, 0 violations') })
    const redriven = await runBinary(['redrive', '--all'], world.env)
    expect(redriven).toMatchObject({ exitCode: 0, out: '1 letters, 1 selected, 1 sent\n' })
    expect(await service.stop()).toBe(0)
  })

  test('through sessions that the broker ends unless the login is repeated in time', async () => {
    await using world = await worldOf(overTls('SCRAM-SHA-256', 'SHORT'))
    const service = await world.start()
    await kafkaUp(service)
    const oldestMs = watchConnections(Number(secure.at.SHORT.split(':')[1]))
    let orders = 0
    await until(
      async () => {
        const { json } = await service.post(orderBody())
        orders++
        await world.publishTrades(tradeOf({ buyOrderId: json['id'], quantity: 100 }))
        await world.outboxEmpty()
        await world.tradesConsumed()
        return oldestMs() > 2 * sessionMs
      },
      { what: 'a connection has outlived its session twice' },
    )
    expect(await world.kafka.read(world.topics.placed)).toHaveLength(orders)
    expect(await world.sql`select from orders where status = 'FILLED'`).toHaveLength(orders)
    await kafkaUp(service)
  })
})

test('a broker that resets connections amid the login is a broker that is away, and no more', async () => {
  await using door = await openBrokerDoor({ host: '127.0.0.1', port: Number(secure.at.SASLPLAIN.split(':')[1]) })
  let resets = 0
  door.before((request) => {
    if (request !== requests.saslAuthenticate) return 'pass'
    resets++
    return 'reset'
  })
  const env = { KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', ...login('SCRAM-SHA-256', secure) }
  await using world = await createWorld({ kafkaAt: secure.server.bootstrap, bootstrap: door.address, env })
  const service = await world.start()
  expect((await service.post(orderBody())).status).toBe(202)
  await until(() => resets > 20, { what: 'every client was reset several times' })
  expect((await kafkaOf(service)).status).toBe('DOWN')
  expect((await service.post(orderBody())).status).toBe(202)
  door.before(() => 'pass')
  await world.outboxEmpty()
  expect(await world.kafka.readUntil(world.topics.placed, 2)).toHaveLength(2)
  await kafkaUp(service)
  expect(await service.stop()).toBe(0)
})

describe('refused', () => {
  const wrong = 'not-the-password'
  const cases: [string, Way, string][] = [
    [
      'a broker whose certificate another authority signed',
      { at: 'SSL', env: ({ files }) => ({ KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_TLS_CA_FILE: files.otherCa }) },
      'the certificate of the broker is not accepted: no trusted authority signed it',
    ],
    [
      'a broker whose certificate no authority signed that everybody trusts',
      { at: 'SSL', env: () => ({ KAFKA_SECURITY_PROTOCOL: 'SSL', NODE_TLS_REJECT_UNAUTHORIZED: '0' }) },
      'the certificate of the broker is not accepted: no trusted authority signed it',
    ],
    [
      'a broker with the certificate of another host',
      { ...tls, at: 'WRONGHOST' },
      'the certificate of the broker is not accepted: it is for another host name',
    ],
    [
      'a client without a certificate, by a broker that wants one',
      { ...tls, at: 'MUTUAL' },
      'the broker closed the connection; if it asks for a login or a certificate, see',
    ],
    [
      'a client with a certificate of another authority',
      {
        at: 'MUTUAL',
        env: (secure) => ({
          ...tls.env(secure),
          KAFKA_TLS_CERT_FILE: secure.files.strangerCert,
          KAFKA_TLS_KEY_FILE: secure.files.strangerKey,
        }),
      },
      'the broker closed the connection; if it asks for a login or a certificate, see',
    ],
    ['a client without TLS', { at: 'SSL', env: () => ({}) }, 'KAFKA_SECURITY_PROTOCOL must be SSL or SASL_SSL'],
    [
      'TLS, where there is none',
      { ...tls, at: 'SASLPLAIN' },
      'the broker does not speak TLS at this port: look at KAFKA_SECURITY_PROTOCOL',
    ],
    [
      'a login that nobody asked for',
      { ...overTls('PLAIN'), at: 'SSL' },
      'the broker asks for no login at this port: look at KAFKA_SECURITY_PROTOCOL',
    ],
    ['no login', { ...tls, at: 'SASLSSL' }, 'if it asks for a login or a certificate, see KAFKA_SECURITY_PROTOCOL'],
    ...['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'].map((mechanism): [string, Way, string] => [
      `a wrong password of ${mechanism}`,
      { at: 'SASLSSL', env: (secure) => ({ ...overTls(mechanism).env(secure), KAFKA_SASL_PASSWORD: wrong }) },
      'the broker refused the login: look at KAFKA_SASL_USERNAME, its password and KAFKA_SASL_MECHANISM',
    ]),
  ]

  test.each(cases)('%s; health and log say so, and orders are taken', async (_, way, message) => {
    await using world = await worldOf(way)
    const service = await world.start()
    expect((await service.post(orderBody())).status).toBe(202)
    const kafka = await until(
      async () => {
        const state = await kafkaOf(service)
        return String(state.details['detail']).includes(message) && state
      },
      { what: `health says "${message}"` },
    )
    expect(kafka.status).toBe('DOWN')
    expect(String((await service.logged('kafka is not usable'))['detail'])).toContain(message)
    expect(await service.http('/actuator/health/readiness')).toMatchObject({ status: 200 })
    expect(await world.sql`select count(*)::integer as n from outbox`).toEqual([{ n: 1 }] as never)
    expect(await world.kafka.read(world.topics.placed)).toEqual([])

    const output = JSON.stringify(service.log) + service.noise() + (await service.http('/actuator/health')).text
    for (const secret of [wrong, secure.passwords.plain, secure.passwords.scram]) expect(output).not.toContain(secret)
  })
})

test('redrive and verify that are refused say why', async () => {
  await using world = await worldOf(overTls('SCRAM-SHA-512'), { KAFKA_SASL_PASSWORD: 'not-the-password' })
  const refuse = async (...command: string[]) => {
    const { exitCode, err } = await runBinary(command, world.env)
    expect(exitCode).toBe(2)
    expect(err).toContain(`orders: could not ${command[0]}: the broker refused the login: look at KAFKA_SASL_USERNAME`)
    expect(err).not.toContain('not-the-password')
  }
  await Promise.all([refuse('redrive', '--all'), refuse('verify', '--topics')])
})

test('a password that is mended on the broker needs no restart: what waited goes out, trades come in', async () => {
  const password = 'the-new-one'
  await using world = await worldOf(overTls('SCRAM-SHA-256'), {
    KAFKA_SASL_USERNAME: 'orders-late',
    KAFKA_SASL_PASSWORD: password,
  })
  const service = await world.start()
  const { json } = await service.post(orderBody())
  await world.publishTrades(tradeOf({ buyOrderId: json['id'], quantity: 100 }))
  expect(String((await service.logged('kafka is not usable'))['detail'])).toContain('the broker refused the login')

  await secure.server.setScramPassword('orders-late', 'SCRAM-SHA-256', password)
  await kafkaUp(service)
  await world.outboxEmpty()
  await world.tradesConsumed()
  expect((await service.http(`/orders/${String(json['id'])}`)).json).toMatchObject({ status: 'FILLED' })
  expect(await world.kafka.readUntil(world.topics.placed, 1)).toHaveLength(1)
})

test('a password that is exchanged on the broker and in its file needs no restart', async () => {
  const [user, file] = ['orders-moving', `${temporaryDir('moving')}/password`]
  const exchange = (password: string) => secure.server.setScramPassword(user, 'SCRAM-SHA-256', password)
  await exchange('first')
  writeFileSync(file, 'first')
  // Where sessions are short: elsewhere the broker goes on with who is logged in.
  const way: Way = {
    at: 'SHORT',
    env: ({ files }) => ({
      KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
      KAFKA_TLS_CA_FILE: files.ca,
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD_FILE: file,
    }),
  }
  await using world = await worldOf(way)
  const service = await world.start()
  await kafkaUp(service)
  await exchange('second')
  await until(async () => (await kafkaOf(service)).status === 'DOWN', { what: 'the old password is refused' })
  const { json } = await service.post(orderBody())
  await world.publishTrades(tradeOf({ buyOrderId: json['id'], quantity: 100 }))
  writeFileSync(file, 'second')
  await kafkaUp(service)
  await world.outboxEmpty()
  await world.tradesConsumed()
  expect((await service.http(`/orders/${String(json['id'])}`)).json).toMatchObject({ status: 'FILLED' })
})
