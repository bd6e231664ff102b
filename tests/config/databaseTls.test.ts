// Proves: whoever asked for an encrypted and verified connection gets one, however it was written, or the service does not start.

import { describe, expect, test } from 'bun:test'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readDatabaseTarget } from '../../src/config/databaseUrl.ts'
import type { Env } from '../../src/config/env.ts'
import { createAuthority, writeCertificate } from '../support/certificates.ts'
import { temporaryDir } from '../support/servers.ts'

const read = (env: Env) => {
  const faults: string[] = []
  return { ...readDatabaseTarget(env, faults), faults }
}
const spring = (url: string, user: string): Env => ({ SPRING_DATASOURCE_URL: url, SPRING_DATASOURCE_USERNAME: user })

describe('certificates', () => {
  const dir = temporaryDir('database-url')
  const authority = createAuthority('database authority')
  const ca = writeCertificate(dir, 'ca', authority)
  const client = writeCertificate(dir, 'client', authority.issue('app'))
  const of = (query: string, key = 'DATABASE_URL') =>
    read(
      key === 'DATABASE_URL'
        ? { DATABASE_URL: `postgres://app@db/orders?${query}` }
        : spring(`jdbc:postgresql://db/orders?${query}`, 'app'),
    )
  const both = `sslcert=${client.cert}&sslkey=${client.key}`

  test.each(['DATABASE_URL', 'SPRING_DATASOURCE_URL'])('are read from the files that %s names', (from) => {
    expect(of(`sslmode=verify-full&sslrootcert=${ca.cert}&${both}`, from)).toMatchObject({
      target: { ssl: 'verify-full', certificates: { ca: authority.cert, cert: expect.stringContaining('BEGIN') } },
      warnings: [],
      faults: [],
    })
  })

  test('are those that the files hold when a connection is opened', () => {
    const first = writeCertificate(dir, 'exchanged', authority.issue('app'))
    const query = `sslmode=verify-full&sslrootcert=${ca.cert}&sslcert=${first.cert}&sslkey=${first.key}`
    const { certificates } = of(query).target!
    const second = authority.issue('app')
    writeFileSync(first.key, second.key)
    expect(certificates!.key).not.toBe(second.key)
    writeFileSync(first.cert, second.cert)
    expect({ ...certificates }).toEqual({ ca: authority.cert, ...second })
  })

  test('are verified with require if there is an authority, as libpq does', () => {
    expect(of(`sslmode=require&sslrootcert=${ca.cert}`).target).toMatchObject({ ssl: 'verify-ca' })
    expect(of('sslmode=require').target).toMatchObject({ ssl: 'require' })
    expect(of('sslmode=verify-full&sslrootcert=system')).toMatchObject({ target: { ssl: 'verify-full' }, faults: [] })
  })

  test.each([
    [
      `sslrootcert=${ca.cert}`,
      'sslrootcert has no effect with sslmode=prefer: it needs sslmode=require, verify-ca, verify-full',
    ],
    [
      `sslmode=disable&sslkey=${client.key}`,
      'sslkey has no effect with sslmode=disable: it needs sslmode=require, verify-ca, verify-full',
    ],
    ['sslmode=verify-ca', 'sslmode=verify-ca needs sslrootcert'],
    ['sslmode=require&sslrootcert=system', 'sslrootcert=system needs sslmode=verify-full'],
    [
      'sslmode=verify-full&sslrootcert=/nowhere/hunter2',
      'sslrootcert must be the path of a PEM file: there is no such file',
    ],
    [`sslmode=verify-full&sslrootcert=${dir}`, 'sslrootcert must be the path of a PEM file: it is a folder'],
    [
      `sslmode=verify-full&sslrootcert=${client.key}`,
      'sslrootcert must be the path of a PEM file: it holds no certificate in PEM',
    ],
    [
      `sslmode=require&sslcert=${client.cert}&sslkey=${ca.cert}`,
      'sslkey must be the path of a PEM file: it holds no private key in PEM, or one with a passphrase',
    ],
    [`sslmode=require&sslcert=${client.cert}`, 'sslcert and sslkey go together'],
    [`sslmode=require&sslkey=${client.key}`, 'sslcert and sslkey go together'],
    [`sslmode=require&sslcert=${client.cert}&sslkey=${ca.key}`, 'sslkey must be the key of sslcert'],
  ])('that have no use stop the start: %#', (query, fault) => {
    expect(of(query).faults).toEqual([`DATABASE_URL: ${fault}`])
  })
})

describe('encryption, as JDBC and others write it', () => {
  const jdbc = (query: string) => read(spring(`jdbc:postgresql://db/orders?${query}`, 'app'))
  const java = 'org.postgresql.ssl'

  test.each([
    ['ssl=true', 'verify-full'],
    ['ssl=TRUE', 'verify-full'],
    ['ssl', 'verify-full'],
    ['ssl=1', 'verify-full'],
    ['ssl=false', 'prefer'],
    ['ssl=require', 'require'],
    ['ssl=verify-full', 'verify-full'],
    ['ssl=true&sslmode=require', 'require'],
    ['ssl=true&sslmode=disable', 'disable'],
    ['ssl=false&sslmode=verify-full', 'verify-full'],
    ['sslmode=VERIFY-FULL', 'verify-full'],
    [`ssl=true&sslfactory=${java}.LibPQFactory`, 'verify-full'],
    [`ssl=true&sslfactory=${java}.DefaultJavaSSLFactory`, 'verify-full'],
    [`ssl=true&sslfactory=${java}.NonValidatingFactory`, 'require'],
    [`sslfactory=${java}.NonValidatingFactory`, 'prefer'],
  ] as const)('%s is %s', (query, ssl) => {
    expect(jdbc(query)).toMatchObject({ target: { ssl }, warnings: [], faults: [] })
    expect(read({ DATABASE_URL: `postgres://app@db/orders?${query}` })).toMatchObject({ target: { ssl }, faults: [] })
  })

  test('sslmode wins over a factory that verifies nothing, and a warning says so', () => {
    expect(jdbc(`sslmode=verify-full&sslfactory=${java}.NonValidatingFactory`)).toMatchObject({
      target: { ssl: 'verify-full' },
      warnings: ['SPRING_DATASOURCE_URL: the parameter sslfactory is not used: sslmode says what is verified'],
      faults: [],
    })
  })

  const useInstead = 'is a class of Java, which has no effect here: sslmode and sslrootcert are what to use'
  test.each([
    ['ssl=maybe', 'ssl must be true or false; sslmode says more'],
    ['ssl=no-verify', 'ssl must be true or false; sslmode says more'],
    ['ssl=true&ssl=false', 'ssl is given twice'],
    ['sslmode=require&sslmode=verify-full', 'sslmode is given twice'],
    ['sslMode=verify-full', 'sslMode has no effect: it is written sslmode'],
    ['SSL=true', 'SSL has no effect: it is written ssl'],
    ['useSSL=true', 'useSSL is not known: sslmode says how the connection is encrypted'],
    ['ssl_ca=/ca.pem', 'ssl_ca is not known: sslmode says how the connection is encrypted'],
    ['sslfactory=com.example.Factory', `sslfactory ${useInstead}`],
    [`ssl=true&sslfactory=${java}.SingleCertValidatingFactory&sslfactoryarg=x`, `sslfactory ${useInstead}`],
    [
      `sslmode=require&sslfactory=${java}.DefaultJavaSSLFactory`,
      'sslfactory verifies the server, which sslmode=require does not: write sslmode=verify-full',
    ],
    ['sslhostnameverifier=com.example.Verifier', `sslhostnameverifier ${useInstead}`],
    [
      'socketFactory=com.google.cloud.sql.postgres.SocketFactory',
      'socketFactory is a class of Java, which has no effect here: give the address of a proxy beside this service',
    ],
    ['channelBinding=require', /^channelBinding is not offered: /],
    ['channel_binding=require', /^channel_binding is not offered: /],
    ['gssEncMode=require', /^gssEncMode is not offered: /],
    ['require_auth=scram-sha-256', /^require_auth is not offered: /],
    ['sslmode=verify-full&sslcrl=/crl.pem', /^sslcrl is not offered: /],
    [
      'ssl_min_protocol_version=TLSv1.3',
      'ssl_min_protocol_version is not offered: TLS 1.2 and newer is what is spoken',
    ],
    ['sslmode=require&sslpassword=hunter2', 'sslpassword has no effect without sslkey'],
    ['host=elsewhere', /^host has no effect: /],
    ['search_path=trading', 'search_path has no effect: currentSchema is the parameter for it'],
    ['currentschema=trading', 'currentschema has no effect: it is written currentSchema'],
  ] as [string, string | RegExp][])('%s stops the start', (query, fault) => {
    const { faults } = jdbc(query)
    expect(faults).toHaveLength(1)
    const message = faults[0]!.replace('SPRING_DATASOURCE_URL: ', '')
    if (typeof fault === 'string') expect(message).toBe(fault)
    else expect(message).toMatch(fault)
  })

  test.each(['channelBinding=prefer', 'gssEncMode=disable', 'ssl_min_protocol_version=TLSv1.2', 'sslcrl='])(
    '%s asks for nothing that is missing',
    (query) => {
      expect(jdbc(query)).toMatchObject({ warnings: [], faults: [] })
    },
  )

  const dir = temporaryDir('database-tls')
  const authority = createAuthority('database authority')
  const { cert, key } = authority.issue('app')
  const write = (name: string, content: string | Buffer): string => {
    writeFileSync(join(dir, name), content)
    return join(dir, name)
  }
  const own = createPrivateKey(key)
  const der = new X509Certificate(cert).raw

  test.each([
    ['PKCS-8 in DER', own.export({ type: 'pkcs8', format: 'der' }), ''],
    [
      'PKCS-8 in DER with a passphrase',
      own.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: 'p w' }),
      'p+w',
    ],
    [
      'PEM with a passphrase',
      own.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
      'x',
    ],
  ])('the key of the client may be %s, and its certificate in DER', (_, content, passphrase) => {
    const files = `sslrootcert=${write('ca.der', new X509Certificate(authority.cert).raw)}&sslcert=${write('app.crt', der)}`
    const { target, faults } = jdbc(`ssl=true&${files}&sslkey=${write('app.pk8', content)}&sslpassword=${passphrase}`)
    expect(faults).toEqual([])
    const { certificates } = target!
    expect(new X509Certificate(certificates!.ca!).raw).toEqual(new X509Certificate(authority.cert).raw)
    expect(new X509Certificate(certificates!.cert!).raw).toEqual(der)
    expect(createPrivateKey(certificates!.key!).equals(own)).toBe(true)
  })

  test('a key in PKCS-12, and one with another passphrase, are refused with what to do', () => {
    const locked = own.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: 'x' })
    const with_ = (path: string) =>
      jdbc(`ssl=true&sslcert=${write('app.crt', der)}&sslkey=${path}&sslpassword=y`).faults
    expect(with_(write('app.p12', 'no matter'))).toEqual([
      'SPRING_DATASOURCE_URL: sslkey must be the path of a PEM file: it is PKCS-12, which holds several things: take them out with openssl pkcs12',
    ])
    expect(with_(write('app.pk8', locked))).toEqual([
      'SPRING_DATASOURCE_URL: sslkey must be the path of a PEM file: it holds no private key in PEM, or one with another passphrase',
    ])
  })
})
