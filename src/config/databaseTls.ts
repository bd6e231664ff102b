// Reads from the parameters of the database's address how its connections are encrypted and verified.

import type { DatabaseTarget } from '../store/connection.ts'
import type { Certificates } from '../store/secureSocket.ts'
import type { Address } from './databaseAddress.ts'
import { isKeyOf, readCertificates, readPrivateKey, type FileResult } from './files.ts'
import { live, rereading, rereadingPair } from './liveFiles.ts'

type Encryption = Pick<DatabaseTarget, 'ssl' | 'certificates'>
type Mode = DatabaseTarget['ssl']

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const satisfies Mode[]
/** The modes that never fall back to plain text. In the others, certificates would have no effect. */
const encrypting: readonly Mode[] = ['require', 'verify-ca', 'verify-full']

/** The classes of JDBC's `sslfactory` whose meaning sslmode can express too. */
const factories = {
  LibPQFactory: 'as sslmode says',
  NonValidatingFactory: 'never verifies',
  DefaultJavaSSLFactory: 'always verifies',
} as const satisfies Record<string, string>
type Factory = keyof typeof factories

const factoryOf = ({ key, parameters }: Address, faults: string[]): Factory => {
  const text = parameters.get('sslfactory') || 'org.postgresql.ssl.LibPQFactory'
  const name = /^org\.postgresql\.ssl\.(?:jdbc4\.)?(\w+)$/.exec(text)?.[1]
  const factory = (Object.keys(factories) as Factory[]).find((candidate) => candidate === name)
  if (factory === undefined)
    faults.push(
      `${key}: sslfactory is a class of Java, which has no effect here: sslmode and sslrootcert are what to use`,
    )
  return factory ?? 'LibPQFactory'
}

/**
 * What `ssl` means without sslmode. As in JDBC, true verifies the server unless the factory verifies nothing. (libpq would not verify,
 * but a configuration that said "true" to the Java service must not be less safe here.)
 * @returns undefined if the text is neither true, false nor a mode
 */
const modeOfSsl = (text: string | null, factory: Factory): Mode | undefined => {
  if (text === null || /^(false|off|no|0)$/i.test(text)) return 'prefer'
  if (/^(true|on|yes|1|)$/i.test(text)) return factory === 'NonValidatingFactory' ? 'require' : 'verify-full'
  return sslModes.find((mode) => mode === text.toLowerCase())
}

const readMode = (address: Address, faults: string[]): Mode => {
  const { key, parameters } = address
  const factory = factoryOf(address, faults)
  const sslMode = parameters.get('sslmode')?.toLowerCase()
  const mode =
    sslMode === undefined ? modeOfSsl(parameters.get('ssl'), factory) : sslModes.find((mode) => mode === sslMode)
  if (mode === undefined)
    faults.push(
      sslMode === undefined
        ? `${key}: ssl must be true or false; sslmode says more`
        : `${key}: sslmode must be one of ${sslModes.join(', ')}`,
    )
  else if (factory === 'DefaultJavaSSLFactory' && mode !== 'verify-full')
    faults.push(`${key}: sslfactory verifies the server, which sslmode=${mode} does not: write sslmode=verify-full`)
  return mode ?? 'prefer'
}

/** A file that is read, and how to read it again. */
type Read = { text: string; again: () => FileResult }

const readCertificateFiles = ({ key, parameters }: Address, faults: string[]): Certificates => {
  const read = (name: string, reader: (path: string) => FileResult): Read | undefined => {
    const path = parameters.get(name) || undefined
    if (path === undefined || (name === 'sslrootcert' && path === 'system')) return undefined
    const file = reader(path)
    if (!file.ok) faults.push(`${key}: ${name} must be the path of a PEM file: ${file.reason}`)
    return file.ok ? { text: file.text, again: () => reader(path) } : undefined
  }
  const before = faults.length
  const [ca, cert] = [read('sslrootcert', readCertificates), read('sslcert', readCertificates)]
  const privateKey = read('sslkey', (path) => readPrivateKey(path, parameters.get('sslpassword') || undefined))
  const hasPair = cert !== undefined && privateKey !== undefined
  if (faults.length === before && (cert === undefined) !== (privateKey === undefined))
    faults.push(`${key}: sslcert and sslkey go together`)
  else if (hasPair && !isKeyOf(privateKey.text, cert.text)) faults.push(`${key}: sslkey must be the key of sslcert`)
  const pair = hasPair
    ? rereadingPair({ cert: cert.text, key: privateKey.text }, cert.again, privateKey.again)
    : undefined
  return live({
    ca: ca && rereading(ca.text, ca.again),
    cert: pair && (() => pair().cert),
    key: pair && (() => pair().key),
  })
}

/** As in libpq, `require` with a root certificate verifies like verify-ca, and `system` stands for the authorities of the system. */
export const readEncryption = (address: Address, faults: string[]): Encryption => {
  const { key, parameters } = address
  const before = faults.length
  const ssl = readMode(address, faults)
  if (faults.length > before) return { ssl }
  const files = ['sslrootcert', 'sslcert', 'sslkey', 'sslpassword'].filter((name) => parameters.get(name))
  if (files.length === 0 && ssl !== 'verify-ca') return { ssl }
  if (!encrypting.includes(ssl)) {
    const needs = `sslmode=${encrypting.join(', ')}`
    faults.push(...files.map((name) => `${key}: ${name} has no effect with sslmode=${ssl}: it needs ${needs}`))
    return { ssl }
  }
  const root = parameters.get('sslrootcert')
  if (root === 'system' && ssl !== 'verify-full') faults.push(`${key}: sslrootcert=system needs sslmode=verify-full`)
  if (!root && ssl === 'verify-ca') faults.push(`${key}: sslmode=verify-ca needs sslrootcert`)
  if (parameters.get('sslpassword') && !parameters.get('sslkey'))
    faults.push(`${key}: sslpassword has no effect without sslkey`)
  const certificates = readCertificateFiles(address, faults)
  return { ssl: ssl === 'require' && certificates.ca !== undefined ? 'verify-ca' : ssl, certificates }
}
