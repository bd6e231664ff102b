// Makes certificate authorities and certificates at test time, as PEM text and as files. None is in the repository, so none can
// expire there, leak or be trusted by mistake. X.509 is a few nested lists; neither node:crypto nor Bun writes it.

import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'

/** PEM texts; the private key is PKCS #8. */
export type Certificate = { cert: string; key: string }
type CertificateOptions = {
  /** DNS names and IPv4 addresses. */
  hosts?: readonly string[]
  /** How long it is valid from now on; below 0 it has expired. */
  days?: number
}
export type Authority = Certificate & {
  /** Issues a certificate for a server or a client; `name` is the common name. */
  issue: (name: string, options?: CertificateOptions) => Certificate
}

const dayMs = 86_400_000

/** One value in DER: tag, length, content. */
const der = (tag: number, ...contents: (Uint8Array | readonly number[])[]): Buffer => {
  const body = Buffer.concat(contents.map((content) => Buffer.from(content)))
  const { length } = body
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const octets = (value: Uint8Array): Buffer => der(0x04, value)
const bits = (value: Uint8Array, unused = 0): Buffer => der(0x03, [unused], value)
const yes = der(0x01, [0xff])

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
const nameOf = (common: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(common)))))
const time = (ms: number): Buffer =>
  der(0x18, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`))

const extension = (id: string, value: Uint8Array, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [yes] : []), octets(value))
const authorityExtensions = [
  extension('551d13', sequence(yes), true),
  extension('551d0f', bits(Buffer.from([0x06]), 1), true),
]
const hostExtensions = (hosts: readonly string[]): Buffer[] => [
  extension('551d13', sequence(), true),
  extension('551d25', sequence(oid('2b06010505070301'), oid('2b06010505070302'))),
  extension(
    '551d11',
    sequence(
      ...hosts.map((host) =>
        isIP(host) === 4 ? der(0x87, host.split('.').map(Number)) : der(0x82, Buffer.from(host)),
      ),
    ),
  ),
]

type Terms = { subject: string; issuer: string; days: number; extensions: readonly Buffer[] }

/** `keys` belong to the subject, `signer` is the issuer's private key. */
const certify = (
  terms: Terms,
  keys: { publicKey: KeyObject; privateKey: KeyObject },
  signer: KeyObject,
): Certificate => {
  const now = Date.now()
  const serial = [1, ...crypto.getRandomValues(new Uint8Array(8))]
  const body = sequence(
    der(0xa0, der(0x02, [2])),
    der(0x02, serial),
    ecdsaWithSha256,
    nameOf(terms.issuer),
    sequence(time(now - 30 * dayMs), time(now + terms.days * dayMs)),
    nameOf(terms.subject),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...terms.extensions)),
  )
  const whole = sequence(body, ecdsaWithSha256, bits(sign('sha256', body, signer)))
  const lines = whole.toString('base64').replaceAll(/.{64}(?!$)/g, '$&\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** Each authority has a key of its own, even if two share a name. */
export const createAuthority = (name: string): Authority => {
  const keys = newKeys()
  const own = certify({ subject: name, issuer: name, days: 30, extensions: authorityExtensions }, keys, keys.privateKey)
  return {
    ...own,
    issue: (subject, { hosts = ['localhost', '127.0.0.1'], days = 30 } = {}) =>
      certify({ subject, issuer: name, days, extensions: hostExtensions(hosts) }, newKeys(), keys.privateKey),
  }
}

/** Writes `name.crt` and `name.key`; answers their paths. */
export const writeCertificate = (dir: string, name: string, { cert, key }: Certificate) => {
  const paths = { cert: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) }
  replaceFile(paths.cert, cert)
  replaceFile(paths.key, key)
  return paths
}

/** Replaces the file at once, as tools that renew certificates do: a reader finds the old file or the new one, never a part. */
export const replaceFile = (path: string, text: string): void => {
  writeFileSync(`${path}.next`, text, { mode: 0o600 })
  renameSync(`${path}.next`, path)
}
