// One real broker with the demands of a guarded one: a listener for each kind of TLS and SASL, with certificates and users made
// for it. The plain listener is the test's own way in; the service does not know of it.

import { join } from 'node:path'
import { startKafka, type KafkaServer, type Listener } from '../stack/kafka.ts'
import { freePort } from '../stack/ports.ts'
import { createAuthority, writeCertificate } from './certificates.ts'
import { temporaryDir } from './servers.ts'

/** How long a session of the listener SHORT lasts unless the login is repeated. */
export const sessionMs = 3_000

export const users = { plain: 'orders-plain', scram: 'orders-scram' } as const

const kinds = {
  SSL: 'SSL',
  /** Wants a certificate of the client too. */
  MUTUAL: 'SSL',
  /** Shows a certificate of the right authority for another host. */
  WRONGHOST: 'SSL',
  SASLSSL: 'SASL_SSL',
  SASLPLAIN: 'SASL_PLAINTEXT',
  /** Ends a session that was not authenticated again in time. */
  SHORT: 'SASL_SSL',
} as const satisfies Record<string, Listener['protocol']>
type Kind = keyof typeof kinds

export type SecureKafka = AsyncDisposable & {
  server: KafkaServer
  /** The address of each listener, as `host:port`. */
  at: Record<Kind, string>
  passwords: { plain: string; scram: string }
  files: {
    ca: string
    otherCa: string
    clientCert: string
    clientKey: string
    strangerCert: string
    strangerKey: string
  }
}

const module = (kind: 'plain.Plain' | 'scram.Scram', rest = ''): string =>
  `org.apache.kafka.common.security.${kind}LoginModule required${rest};`

export const startSecureKafka = async (): Promise<SecureKafka> => {
  const dir = temporaryDir('secure-kafka')
  const [authority, other] = [createAuthority('broker authority'), createAuthority('another authority')]
  const passwords = { plain: 'plain,secret=1', scram: 'scram-secret-1' }
  const listeners: Record<string, Listener> = {}
  for (const [name, protocol] of Object.entries(kinds))
    listeners[name] = { port: await freePort(), protocol, host: 'localhost' }

  const keystore = async (name: string, hosts: string[]): Promise<string> => {
    const { cert, key } = authority.issue(name, { hosts })
    const file = join(dir, `${name}.pem`)
    await Bun.write(file, key + cert)
    return file
  }
  const right = await keystore('broker', ['localhost', '127.0.0.1'])
  const ca = writeCertificate(dir, 'ca', authority)
  const client = writeCertificate(dir, 'client', authority.issue('orders'))
  const stranger = writeCertificate(dir, 'stranger', other.issue('orders'))
  const sasl = (name: string): Record<string, string> => ({
    [`listener.name.${name}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [`listener.name.${name}.plain.sasl.jaas.config`]: module(
      'plain.Plain',
      ` user_${users.plain}="${passwords.plain}"`,
    ),
    [`listener.name.${name}.scram-sha-256.sasl.jaas.config`]: module('scram.Scram'),
    [`listener.name.${name}.scram-sha-512.sasl.jaas.config`]: module('scram.Scram'),
  })
  const server = await startKafka({
    dataDir: join(dir, 'data'),
    port: await freePort(),
    listeners,
    scramUsers: { [users.scram]: passwords.scram },
    settings: {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': right,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': ca.cert,
      'listener.name.mutual.ssl.client.auth': 'required',
      'listener.name.wronghost.ssl.keystore.type': 'PEM',
      'listener.name.wronghost.ssl.keystore.location': await keystore('elsewhere', ['broker.example']),
      ...sasl('saslssl'),
      ...sasl('saslplain'),
      ...sasl('short'),
      'listener.name.short.connections.max.reauth.ms': String(sessionMs),
    },
  })
  return {
    server,
    at: Object.fromEntries(Object.entries(listeners).map(([name, { port }]) => [name, `localhost:${port}`])) as Record<
      Kind,
      string
    >,
    passwords,
    files: {
      ca: ca.cert,
      otherCa: writeCertificate(dir, 'other', other).cert,
      clientCert: client.cert,
      clientKey: client.key,
      strangerCert: stranger.cert,
      strangerKey: stranger.key,
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}
