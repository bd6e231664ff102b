// Proves: a TLS or SASL key that would have no effect, that lacks another, or whose file cannot be used is a fault; all faults
// stand in one list and none shows a secret; right settings reach every Kafka client.

import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig, type Config } from '../../src/config/config.ts'
import type { Env } from '../../src/config/env.ts'
import { fixCertificateOf, kafkaOf, serverCertificateOf } from '../../src/config/transport.ts'
import { createAuthority, writeCertificate } from '../support/certificates.ts'
import { temporaryDir } from '../support/servers.ts'

const dir = temporaryDir('transport')
const authority = createAuthority('an authority')
const ca = writeCertificate(dir, 'ca', authority)
const own = writeCertificate(dir, 'own', authority.issue('orders'))
const file = (name: string, text: string): string => {
  const path = join(dir, name)
  writeFileSync(path, text)
  return path
}

const read = (env: Env) => readConfig({ DATABASE_URL: 'postgres://app@db/orders', ...env })
const faultsOf = (env: Env): string[] => {
  const result = read(env)
  return result.ok ? [] : result.faults
}
const configOf = (env: Env): Config => {
  const result = read(env)
  if (!result.ok) throw new Error(result.faults.join('; '))
  return result.config
}
const kafka = (env: Env) => kafkaOf(configOf(env), 'test')

const login = { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_USERNAME: 'orders', KAFKA_SASL_PASSWORD: ' hun,ter=2 ' }

describe('Kafka', () => {
  test('is plain by default', () => {
    expect(kafka({})).toEqual({ bootstrapServers: ['redpanda:9092'], clientId: 'test', requestTimeoutMs: 10_000 })
  })

  test('over TLS gets the texts of the files', () => {
    const env = { KAFKA_SECURITY_PROTOCOL: 'ssl', KAFKA_TLS_CA_FILE: ca.cert }
    expect(kafka(env)).toMatchObject({ tls: { ca: authority.cert } })
    expect(kafka({ ...env, KAFKA_TLS_CERT_FILE: own.cert, KAFKA_TLS_KEY_FILE: own.key })).toMatchObject({
      tls: { ca: authority.cert, cert: expect.stringContaining('CERT'), key: expect.stringContaining('KEY') },
    })
    expect(kafka({ KAFKA_SECURITY_PROTOCOL: 'SSL' }).tls).toEqual({ ca: undefined, cert: undefined, key: undefined })
  })

  test('with a login gets the password as it is, spaces and all, or that of the file without its line end', () => {
    expect(kafka({ KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', ...login })).toMatchObject({
      tls: {},
      sasl: { mechanism: 'PLAIN', username: 'orders', password: ' hun,ter=2 ' },
    })
    const env = {
      KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
      KAFKA_SASL_MECHANISM: 'scram-sha-256',
      KAFKA_SASL_USERNAME: 'orders',
      KAFKA_SASL_PASSWORD_FILE: file('password', ' pass word \r\n'),
    }
    expect(kafka(env)).toEqual({
      ...kafka({}),
      sasl: { mechanism: 'SCRAM-SHA-256', username: 'orders', password: ' pass word ' },
    })
  })

  test('reads the same with the line ends of Windows behind every value, the password included', () => {
    const env = { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', ...login, KAFKA_TLS_CA_FILE: ca.cert }
    const ends = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, `${value}\r`]))
    expect(kafka(ends)).toEqual(kafka(env))
  })

  test('has the password and the certificates that its files hold when they are asked for; what cannot be used changes nothing', () => {
    const [password, caFile] = [file('changing', 'first'), file('changing-ca', authority.cert)]
    const pairOf = (name: string) => authority.issue(name)
    const [first, second] = [pairOf('orders'), pairOf('orders')]
    const [cert, key] = [file('changing-cert', first.cert), file('changing-key', first.key)]
    const { sasl, tls } = kafka({
      KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
      KAFKA_SASL_USERNAME: 'orders',
      KAFKA_SASL_PASSWORD_FILE: password,
      KAFKA_TLS_CA_FILE: caFile,
      KAFKA_TLS_CERT_FILE: cert,
      KAFKA_TLS_KEY_FILE: key,
    })
    expect([sasl!.password, tls!.ca, tls!.cert, tls!.key]).toEqual(['first', authority.cert, first.cert, first.key])
    const other = createAuthority('another authority')
    writeFileSync(password, 'second\n')
    writeFileSync(caFile, other.cert)
    // Half of the pair.
    writeFileSync(cert, second.cert)
    expect([sasl!.password, tls!.ca, tls!.cert, tls!.key]).toEqual(['second', other.cert, first.cert, first.key])
    writeFileSync(key, second.key)
    expect([tls!.cert, tls!.key]).toEqual([second.cert, second.key])
    for (const path of [password, caFile, cert, key]) writeFileSync(path, '')
    expect([sasl!.password, tls!.ca, tls!.cert, tls!.key]).toEqual(['second', other.cert, second.cert, second.key])
  })

  test('warns about a password in the clear', () => {
    const warning = 'KAFKA_SASL_MECHANISM=PLAIN without TLS: the password of Kafka crosses the network in the clear'
    expect(configOf({ KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', ...login }).warnings).toEqual([warning])
    expect(configOf({ KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', ...login }).warnings).toEqual([])
  })
})

test('the HTTP port has TLS with a pair of files', () => {
  expect(serverCertificateOf(configOf({}))).toBeUndefined()
  const env = { SERVER_TLS_CERT_FILE: own.cert, SERVER_TLS_KEY_FILE: own.key }
  expect(serverCertificateOf(configOf(env))?.key).toContain('PRIVATE KEY')
})

describe('the FIX port', () => {
  const server = { SERVER_TLS_CERT_FILE: own.cert, SERVER_TLS_KEY_FILE: own.key }

  test('has the certificate of the others, or one of its own', () => {
    expect(fixCertificateOf(configOf({}))).toBeNull()
    expect(fixCertificateOf(configOf(server))).toEqual({ ...serverCertificateOf(configOf(server))!, clientCa: null })
    const of = { FIX_TLS_CERT_FILE: ca.cert, FIX_TLS_KEY_FILE: ca.key, FIX_TLS_CLIENT_CA_FILE: ca.cert }
    expect(fixCertificateOf(configOf({ ...server, ...of }))).toEqual({
      cert: authority.cert,
      key: authority.key,
      clientCa: authority.cert,
    })
  })
})

describe('a fault', () => {
  const sasl = { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL' }
  const tls = { KAFKA_SECURITY_PROTOCOL: 'SSL' }
  const needed = (key: string) => `${key} is required with KAFKA_SECURITY_PROTOCOL=SASL_SSL`
  const onePassword = `${needed('KAFKA_SASL_PASSWORD or KAFKA_SASL_PASSWORD_FILE')}, and only one of them`
  const useless = (key: string, protocol: string, need: string) =>
    `${key} has no effect with KAFKA_SECURITY_PROTOCOL=${protocol}: ${need} is what it needs`

  const cases: [Env, string[]][] = [
    [
      { KAFKA_SECURITY_PROTOCOL: 'TLS' },
      ['KAFKA_SECURITY_PROTOCOL must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL'],
    ],
    [
      { ...sasl, KAFKA_SASL_MECHANISM: 'GSSAPI' },
      ['KAFKA_SASL_MECHANISM must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512'],
    ],
    [sasl, [needed('KAFKA_SASL_MECHANISM'), needed('KAFKA_SASL_USERNAME'), onePassword]],
    [{ ...sasl, ...login, KAFKA_SASL_PASSWORD: '' }, [onePassword]],
    [{ ...sasl, ...login, KAFKA_SASL_PASSWORD_FILE: file('two', 'hunter3') }, [onePassword]],
    [login, Object.keys(login).map((key) => useless(key, 'PLAINTEXT', 'SASL_SSL'))],
    [{ ...tls, ...login }, Object.keys(login).map((key) => useless(key, 'SSL', 'SASL_SSL'))],
    [{ KAFKA_TLS_CA_FILE: ca.cert }, [useless('KAFKA_TLS_CA_FILE', 'PLAINTEXT', 'SSL or SASL_SSL')]],
    [
      { ...login, KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', KAFKA_TLS_CA_FILE: ca.cert },
      [useless('KAFKA_TLS_CA_FILE', 'SASL_PLAINTEXT', 'SSL or SASL_SSL')],
    ],
    [{ ...tls, KAFKA_TLS_CERT_FILE: own.cert }, ['KAFKA_TLS_KEY_FILE is required with KAFKA_TLS_CERT_FILE']],
    [{ ...tls, KAFKA_TLS_KEY_FILE: own.key }, ['KAFKA_TLS_CERT_FILE is required with KAFKA_TLS_KEY_FILE']],
    [
      { ...tls, KAFKA_TLS_CERT_FILE: own.cert, KAFKA_TLS_KEY_FILE: ca.key },
      ['KAFKA_TLS_KEY_FILE must be the key of KAFKA_TLS_CERT_FILE'],
    ],
    [{ SERVER_TLS_CERT_FILE: own.cert }, ['SERVER_TLS_KEY_FILE is required with SERVER_TLS_CERT_FILE']],
    [{ SERVER_TLS_KEY_FILE: own.key }, ['SERVER_TLS_CERT_FILE is required with SERVER_TLS_KEY_FILE']],
    [
      { SERVER_TLS_CERT_FILE: ca.cert, SERVER_TLS_KEY_FILE: own.key },
      ['SERVER_TLS_KEY_FILE must be the key of SERVER_TLS_CERT_FILE'],
    ],
    [
      { ...tls, KAFKA_TLS_CA_FILE: '/nowhere/hunter2' },
      ['KAFKA_TLS_CA_FILE must be the path of a file of certificates in PEM: there is no such file'],
    ],
    [
      { ...tls, KAFKA_TLS_CA_FILE: file('empty.pem', '') },
      ['KAFKA_TLS_CA_FILE must be the path of a file of certificates in PEM: it holds no certificate in PEM'],
    ],
    [
      {
        ...tls,
        KAFKA_TLS_CA_FILE: file('bad.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
      },
      [
        'KAFKA_TLS_CA_FILE must be the path of a file of certificates in PEM: it holds a certificate that cannot be read',
      ],
    ],
    [
      { SERVER_TLS_CERT_FILE: dir, SERVER_TLS_KEY_FILE: own.cert },
      [
        'SERVER_TLS_CERT_FILE must be the path of a file of certificates in PEM: it is a folder',
        'SERVER_TLS_KEY_FILE must be the path of a private key in PEM: it holds no private key in PEM, or one with a passphrase',
      ],
    ],
    [{ FIX_TLS_CERT_FILE: own.cert }, ['FIX_TLS_KEY_FILE is required with FIX_TLS_CERT_FILE']],
    [
      { FIX_TLS_CLIENT_CA_FILE: ca.cert },
      ['FIX_TLS_CLIENT_CA_FILE has no effect without FIX_TLS_CERT_FILE or SERVER_TLS_CERT_FILE'],
    ],
    [{ FIX_PORT: '9878' }, ['FIX_SESSIONS_FILE is required with FIX_PORT']],
    [{ ...sasl, ...login, KAFKA_SASL_PASSWORD: 'hunter2\nhunter3' }, ['KAFKA_SASL_PASSWORD must be one line of text']],
    [
      { SERVER_TLS_CERT_FILE: own.cert, ...login, SERVER_PORT: 'x' },
      [
        'SERVER_PORT must be a whole number from 0 to 65535',
        'SERVER_TLS_KEY_FILE is required with SERVER_TLS_CERT_FILE',
        ...Object.keys(login).map((key) => useless(key, 'PLAINTEXT', 'SASL_SSL')),
      ],
    ],
  ]
  test.each(cases)('%#: is said, with every other one', (env, faults) => {
    expect(faultsOf(env)).toEqual(faults)
    expect(faults.join('\n')).not.toMatch(/hun/)
  })
})
