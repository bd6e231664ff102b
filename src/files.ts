// Secrets and certificates that are files, as platforms mount them. What is wrong with one is said without its content and
// without what was given for its path, which may be a secret in the wrong place.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** What was read, or why it cannot be used, in a few words. */
export type FileResult = { ok: true; text: string } | { ok: false; reason: string }

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
  EISDIR: 'it is a folder',
}

const read = (path: string): FileResult => {
  try {
    return { ok: true, text: readFileSync(path, 'utf8') }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    return { ok: false, reason: reasons[code] ?? 'it cannot be read' }
  }
}

/** One line, without the line end that editors put there. */
export const readSecretFile = (path: string): FileResult => {
  const file = read(path)
  if (!file.ok) return file
  const text = file.text.replace(/(\r?\n)+$/, '')
  if (text === '') return { ok: false, reason: 'it is empty' }
  return /\p{Cc}/u.test(text) ? { ok: false, reason: 'it holds more than one line of text' } : { ok: true, text }
}

const blocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Certificates in PEM, one or a chain of them. */
export const readCertificates = (path: string): FileResult => {
  const file = read(path)
  if (!file.ok) return file
  const found = file.text.match(blocks)
  if (found === null) return { ok: false, reason: 'it holds no certificate in PEM' }
  try {
    for (const block of found) void new X509Certificate(block)
    return file
  } catch {
    return { ok: false, reason: 'it holds a certificate that cannot be read' }
  }
}

/** A private key in PEM that needs no passphrase. */
export const readPrivateKey = (path: string): FileResult => {
  const file = read(path)
  if (!file.ok) return file
  try {
    createPrivateKey(file.text)
    return file
  } catch {
    return { ok: false, reason: 'it holds no private key in PEM, or one with a passphrase' }
  }
}

/** Whether the key is that of the first certificate. Both were read before. */
export const isKeyOf = (key: string, certificates: string): boolean =>
  new X509Certificate(certificates).checkPrivateKey(createPrivateKey(key))
