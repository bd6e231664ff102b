// TLS and SASL to Kafka, TLS on the ports. Certificates and passwords are read at the start, so that one that cannot be used stops
// it (and again later: liveFiles.ts, serve/certificateWatch.ts). A key that would have no effect is a fault: nobody should believe in an
// encryption or a login that is not there.

import type { ServerCertificate } from '../http/listener.ts'
import type { KafkaConfig } from '../kafka/client.ts'
import { variable, verbatim } from './env.ts'
import { isKeyOf, readCertificates, readPrivateKey, readSecretFile, type FileResult } from './files.ts'
import { live, rereading, rereadingPair } from './liveFiles.ts'
import type { Reader } from './readers.ts'
import type { Setting, ValuesOf } from './setting.ts'

/** The content of a file, and its path. */
export type ReadFile = { path: string; text: string }

const protocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const
const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/** Upper case, as Kafka's own clients write it; any case is read. */
const upper =
  <const T extends readonly string[], F extends T[number] | undefined>(values: T, fallback: F): Reader<T[number] | F> =>
  (key, env, faults) => {
    const text = variable(env, key)
    if (text === undefined) return fallback
    const value = values.find((candidate) => candidate === text.toUpperCase())
    if (value === undefined) faults.push(`${key} must be one of ${values.join(', ')}`)
    return value ?? fallback
  }

/** The value with its spaces: it may be a password. */
const line: Reader<string | undefined> = (key, env, faults) => {
  if (variable(env, key) === undefined) return undefined
  const value = verbatim(env, key)!
  if (/\p{Cc}/u.test(value)) faults.push(`${key} must be one line of text`)
  return value
}

const file =
  (what: string, read: (path: string) => FileResult): Reader<ReadFile | undefined> =>
  (key, env, faults) => {
    const path = variable(env, key)
    if (path === undefined) return undefined
    const result = read(path)
    if (!result.ok) faults.push(`${key} must be the path of ${what}: ${result.reason}`)
    return result.ok ? { path, text: result.text } : undefined
  }

const certificates = file('a file of certificates in PEM', readCertificates)
const privateKey = file('a private key in PEM', readPrivateKey)

export const serverTlsSettings = {
  SERVER_TLS_CERT_FILE: { read: certificates, note: 'Turns HTTPS on: the certificate with its chain, in PEM.' },
  SERVER_TLS_KEY_FILE: { read: privateKey, note: 'The key of the certificate, in PEM, without a passphrase.' },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

export const fixTlsSettings = {
  FIX_TLS_CERT_FILE: {
    read: certificates,
    note: 'The certificate of the FIX port with its chain, in PEM. Without it that of `SERVER_TLS_CERT_FILE` counts, if there is one.',
  },
  FIX_TLS_KEY_FILE: { read: privateKey, note: 'Its key, in PEM, without a passphrase.' },
  FIX_TLS_CLIENT_CA_FILE: {
    read: certificates,
    note: 'Who issues the certificates of FIX clients, in PEM: they are asked for one, and a session says whether it needs one.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

export const kafkaSecuritySettings = {
  KAFKA_SECURITY_PROTOCOL: {
    read: upper(protocols, 'PLAINTEXT'),
    note: '`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.',
  },
  KAFKA_SASL_MECHANISM: {
    read: upper(mechanisms, undefined),
    note: 'How to log in: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.',
  },
  KAFKA_SASL_USERNAME: { read: line, note: 'The user of the login.' },
  KAFKA_SASL_PASSWORD: { read: line, note: 'The password of the login.', secret: true },
  KAFKA_SASL_PASSWORD_FILE: {
    read: file('a file with the password', readSecretFile),
    note: 'A file with the password instead.',
  },
  KAFKA_TLS_CA_FILE: {
    read: certificates,
    note: 'The authority of the brokers, in PEM. Without it those authorities count that everybody trusts.',
  },
  KAFKA_TLS_CERT_FILE: {
    read: certificates,
    note: "The client's certificate in PEM, where the broker asks for one.",
  },
  KAFKA_TLS_KEY_FILE: { read: privateKey, note: 'Its key, in PEM, without a passphrase.' },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

export type TransportSettings = ValuesOf<typeof serverTlsSettings> &
  ValuesOf<typeof fixTlsSettings> &
  ValuesOf<typeof kafkaSecuritySettings>
type Key = keyof TransportSettings

/** A certificate and its key: both or none, and they belong together. */
const pairFaults = (values: TransportSettings, name: 'SERVER_TLS' | 'FIX_TLS' | 'KAFKA_TLS'): string[] => {
  const [cert, key] = [`${name}_CERT_FILE`, `${name}_KEY_FILE`] as const
  const [certificate, privateKey] = [values[cert], values[key]]
  if (certificate === undefined && privateKey === undefined) return []
  if (certificate === undefined) return [`${cert} is required with ${key}`]
  if (privateKey === undefined) return [`${key} is required with ${cert}`]
  return isKeyOf(privateKey.text, certificate.text) ? [] : [`${key} must be the key of ${cert}`]
}

const saslKeys = [
  'KAFKA_SASL_MECHANISM',
  'KAFKA_SASL_USERNAME',
  'KAFKA_SASL_PASSWORD',
  'KAFKA_SASL_PASSWORD_FILE',
] as const satisfies Key[]
const tlsKeys = ['KAFKA_TLS_CA_FILE', 'KAFKA_TLS_CERT_FILE', 'KAFKA_TLS_KEY_FILE'] as const satisfies Key[]

const hasSasl = ({ KAFKA_SECURITY_PROTOCOL: protocol }: TransportSettings): boolean => protocol.startsWith('SASL_')
const hasTls = ({ KAFKA_SECURITY_PROTOCOL: protocol }: TransportSettings): boolean => protocol.endsWith('SSL')

const saslFaults = (values: TransportSettings): string[] => {
  const isSet = (key: Key): boolean => values[key] !== undefined
  const protocol = values.KAFKA_SECURITY_PROTOCOL
  if (!hasSasl(values))
    return saslKeys
      .filter(isSet)
      .map((key) => `${key} has no effect with KAFKA_SECURITY_PROTOCOL=${protocol}: SASL_SSL is what it needs`)
  const faults = (['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME'] as const)
    .filter((key) => !isSet(key))
    .map((key) => `${key} is required with KAFKA_SECURITY_PROTOCOL=${protocol}`)
  if (isSet('KAFKA_SASL_PASSWORD') === isSet('KAFKA_SASL_PASSWORD_FILE'))
    faults.push(
      `KAFKA_SASL_PASSWORD or KAFKA_SASL_PASSWORD_FILE is required with KAFKA_SECURITY_PROTOCOL=${protocol}, and only one of them`,
    )
  return faults
}

const tlsFaults = (values: TransportSettings): string[] =>
  hasTls(values)
    ? pairFaults(values, 'KAFKA_TLS')
    : tlsKeys
        .filter((key) => values[key] !== undefined)
        .map(
          (key) =>
            `${key} has no effect with KAFKA_SECURITY_PROTOCOL=${values.KAFKA_SECURITY_PROTOCOL}: SSL or SASL_SSL is what it needs`,
        )

const fixFaults = (values: TransportSettings): string[] => [
  ...pairFaults(values, 'FIX_TLS'),
  ...(values.FIX_TLS_CLIENT_CA_FILE !== undefined && fixCertificateOf(values) === null
    ? ['FIX_TLS_CLIENT_CA_FILE has no effect without FIX_TLS_CERT_FILE or SERVER_TLS_CERT_FILE']
    : []),
]

/** Cross-checks the keys. A group that already has a faulty key is skipped: its fault has to be fixed first. */
export const transportFaults = (values: TransportSettings, earlierFaults: readonly string[]): string[] => {
  const isClean = (prefix: string): boolean => !earlierFaults.some((fault) => fault.startsWith(prefix))
  const kafkaIsClean = ['KAFKA_SECURITY', 'KAFKA_SASL', 'KAFKA_TLS'].every(isClean)
  return [
    ...(isClean('SERVER_TLS') ? pairFaults(values, 'SERVER_TLS') : []),
    ...(isClean('SERVER_TLS') && isClean('FIX_TLS') ? fixFaults(values) : []),
    ...(kafkaIsClean ? [...saslFaults(values), ...tlsFaults(values)] : []),
  ]
}

export const transportWarnings = (values: TransportSettings): string[] =>
  values.KAFKA_SECURITY_PROTOCOL === 'SASL_PLAINTEXT' && values.KAFKA_SASL_MECHANISM === 'PLAIN'
    ? ['KAFKA_SASL_MECHANISM=PLAIN without TLS: the password of Kafka crosses the network in the clear']
    : []

type KafkaSettings = TransportSettings & {
  readonly KAFKA_BOOTSTRAP_SERVERS: readonly string[]
  readonly KAFKA_REQUEST_TIMEOUT_MS: number
}

const tlsOf = (settings: KafkaSettings): NonNullable<KafkaConfig['tls']> => {
  const { KAFKA_TLS_CA_FILE: ca, KAFKA_TLS_CERT_FILE: cert, KAFKA_TLS_KEY_FILE: key } = settings
  const pair =
    cert === undefined || key === undefined
      ? null
      : rereadingPair(
          { cert: cert.text, key: key.text },
          () => readCertificates(cert.path),
          () => readPrivateKey(key.path),
        )
  return live({
    ca: ca === undefined ? () => undefined : rereading(ca.text, () => readCertificates(ca.path)),
    cert: () => pair?.().cert,
    key: () => pair?.().key,
  })
}

const saslOf = (settings: KafkaSettings): NonNullable<KafkaConfig['sasl']> => {
  const { KAFKA_SASL_PASSWORD: password, KAFKA_SASL_PASSWORD_FILE: file } = settings
  return live({
    mechanism: () => settings.KAFKA_SASL_MECHANISM!,
    username: () => settings.KAFKA_SASL_USERNAME!,
    password: file === undefined ? () => password! : rereading(file.text, () => readSecretFile(file.path)),
  })
}

/** How each Kafka client of this process reaches the brokers. */
export const kafkaOf = (settings: KafkaSettings, clientId: string): KafkaConfig => ({
  bootstrapServers: settings.KAFKA_BOOTSTRAP_SERVERS,
  clientId,
  requestTimeoutMs: settings.KAFKA_REQUEST_TIMEOUT_MS,
  ...(hasTls(settings) && { tls: tlsOf(settings) }),
  ...(hasSasl(settings) && { sasl: saslOf(settings) }),
})

/** @returns the certificate of the HTTP port; undefined if the port speaks plain HTTP */
export const serverCertificateOf = (settings: TransportSettings): ServerCertificate | undefined => {
  const { SERVER_TLS_CERT_FILE: cert, SERVER_TLS_KEY_FILE: key } = settings
  return cert === undefined || key === undefined ? undefined : { cert: cert.text, key: key.text }
}

/** The certificate of the FIX port, and who issues those of its clients, in PEM; null: the port speaks without TLS. */
export const fixCertificateOf = (
  settings: TransportSettings,
): (ServerCertificate & { clientCa: string | null }) | null => {
  const { FIX_TLS_CERT_FILE: cert, FIX_TLS_KEY_FILE: key, FIX_TLS_CLIENT_CA_FILE: ca } = settings
  const clientCa = ca?.text ?? null
  if (cert !== undefined && key !== undefined) return { cert: cert.text, key: key.text, clientCa }
  const server = serverCertificateOf(settings)
  return server === undefined ? null : { ...server, clientCa }
}
