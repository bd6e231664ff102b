// Secrets and certificates in files, as platforms mount them. A reason never repeats the content, nor the path, which may be a secret
// that somebody put into the wrong variable.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { withoutByteOrderMark } from '../wire/byteOrderMark.ts'

/** The text, or a few words that say why the file cannot be used. */
export type FileResult = { ok: true; text: string } | { ok: false; reason: string }
type Bytes = { ok: true; bytes: Buffer } | { ok: false; reason: string }

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
  EISDIR: 'it is a folder',
}

const readBytes = (path: string): Bytes => {
  try {
    return { ok: true, bytes: readFileSync(path) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    return { ok: false, reason: reasons[code] ?? 'it cannot be read' }
  }
}

/** The byte order marks of UTF-16, in hex. */
const utf16Marks = ['fffe', 'feff']

/** One line, without the line end and the byte order mark that editors add. */
export const readSecretFile = (path: string): FileResult => {
  const file = readBytes(path)
  if (!file.ok) return file
  if (utf16Marks.includes(file.bytes.toString('hex', 0, 2)))
    return { ok: false, reason: 'it is UTF-16: write it in UTF-8' }
  const text = withoutByteOrderMark(file.bytes.toString('utf8')).replace(/(\r?\n)+$/, '')
  if (text === '') return { ok: false, reason: 'it is empty' }
  return /\p{Cc}/u.test(text) ? { ok: false, reason: 'it holds more than one line of text' } : { ok: true, text }
}

const blocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Reads one certificate or a chain in PEM, or one in DER. Returns PEM. */
export const readCertificates = (path: string): FileResult => {
  const file = readBytes(path)
  if (!file.ok) return file
  const text = file.bytes.toString('utf8')
  const inPem = text.match(blocks)
  try {
    if (inPem === null) return { ok: true, text: new X509Certificate(file.bytes).toString() }
    for (const block of inPem) void new X509Certificate(block)
    return { ok: true, text }
  } catch {
    return {
      ok: false,
      reason: inPem === null ? 'it holds no certificate in PEM' : 'it holds a certificate that cannot be read',
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

/** Reads a private key in PEM, or PKCS-8 in DER as Java keeps it; `passphrase` decrypts it. Returns PEM without a passphrase. */
export const readPrivateKey = (path: string, passphrase?: string): FileResult => {
  const file = readBytes(path)
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

/** Whether the key belongs to the first certificate. Both are valid PEM. */
export const isKeyOf = (key: string, certificates: string): boolean =>
  new X509Certificate(certificates).checkPrivateKey(createPrivateKey(key))
