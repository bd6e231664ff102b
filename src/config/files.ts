// Secrets and certificates that are files, as platforms mount them. What is wrong with one is said without its content and
// without what was given for its path, which may be a secret in the wrong place.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** What was read, or why it cannot be used, in a few words. */
export type FileResult = { ok: true; text: string } | { ok: false; reason: string }
type Bytes = { ok: true; bytes: Buffer } | { ok: false; reason: string }

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
  EISDIR: 'it is a folder',
}

const read = (path: string): Bytes => {
  try {
    return { ok: true, bytes: readFileSync(path) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    return { ok: false, reason: reasons[code] ?? 'it cannot be read' }
  }
}

/** One line, without the line end that editors put there. */
export const readSecretFile = (path: string): FileResult => {
  const file = read(path)
  if (!file.ok) return file
  const text = file.bytes.toString('utf8').replace(/(\r?\n)+$/, '')
  if (text === '') return { ok: false, reason: 'it is empty' }
  return /\p{Cc}/u.test(text) ? { ok: false, reason: 'it holds more than one line of text' } : { ok: true, text }
}

const blocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Certificates in PEM, one or a chain of them, or one in DER. Answers PEM. */
export const readCertificates = (path: string): FileResult => {
  const file = read(path)
  if (!file.ok) return file
  const text = file.bytes.toString('utf8')
  const found = text.match(blocks)
  try {
    if (found === null) return { ok: true, text: new X509Certificate(file.bytes).toString() }
    for (const block of found) void new X509Certificate(block)
    return { ok: true, text }
  } catch {
    return {
      ok: false,
      reason: found === null ? 'it holds no certificate in PEM' : 'it holds a certificate that cannot be read',
    }
  }
}

type KeyForm = { format: 'pem' } | { format: 'der'; type: 'pkcs8' }

const keyIn = (bytes: Buffer, form: KeyForm, passphrase?: string): string | null => {
  try {
    const key = createPrivateKey({ key: bytes, ...form, ...(passphrase !== undefined && { passphrase }) })
    return key.export({ type: 'pkcs8', format: 'pem' })
  } catch {
    return null
  }
}

/** A private key in PEM, or PKCS-8 in DER as Java keeps it; one with a passphrase where that is given. Answers PEM without one. */
export const readPrivateKey = (path: string, passphrase?: string): FileResult => {
  const file = read(path)
  if (!file.ok) return file
  const plain = keyIn(file.bytes, { format: 'pem' })
  if (plain !== null) return { ok: true, text: file.bytes.toString('utf8') }
  const text =
    keyIn(file.bytes, { format: 'pem' }, passphrase) ?? keyIn(file.bytes, { format: 'der', type: 'pkcs8' }, passphrase)
  if (text !== null) return { ok: true, text }
  if (/\.(p12|pfx)$/i.test(path))
    return { ok: false, reason: 'it is PKCS-12, which holds several things: take them out with openssl pkcs12' }
  return {
    ok: false,
    reason:
      passphrase === undefined
        ? 'it holds no private key in PEM, or one with a passphrase'
        : 'it holds no private key in PEM, or one with another passphrase',
  }
}

/** Whether the key is that of the first certificate. Both were read before. */
export const isKeyOf = (key: string, certificates: string): boolean =>
  new X509Certificate(certificates).checkPrivateKey(createPrivateKey(key))
