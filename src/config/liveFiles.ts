// Files with passwords and certificates of this service as a client. They are read again for each new connection, so that what is exchanged
// on disk (by a mounted secret, or a tool that renews certificates) needs no restart. What cannot be used leaves in force what was before.

import { isKeyOf, type FileResult } from './files.ts'

/** `text`: what was read at the start. */
export const rereading = (text: string, read: () => FileResult): (() => string) => {
  let last = text
  return () => {
    const file = read()
    if (file.ok) last = file.text
    return last
  }
}

/** PEM texts that fit each other. */
type Pair = { cert: string; key: string }

/** A certificate and its key. Between the writing of the two files they do not fit. */
export const rereadingPair = (pair: Pair, readCert: () => FileResult, readKey: () => FileResult): (() => Pair) => {
  let last = pair
  return () => {
    const [cert, key] = [readCert(), readKey()]
    if (!cert.ok || !key.ok || (cert.text === last.cert && key.text === last.key)) return last
    if (isKeyOf(key.text, cert.text)) last = { cert: cert.text, key: key.text }
    return last
  }
}

/** An object whose members are read at each use. What copies it has what they are then. */
export const live = <T extends object>(readers: { [Name in keyof T]?: (() => T[Name]) | undefined }): T => {
  const entries = Object.entries(readers as Record<string, (() => unknown) | undefined>)
  const present = entries.filter(([, get]) => get !== undefined)
  return Object.defineProperties(
    {},
    Object.fromEntries(present.map(([name, get]) => [name, { enumerable: true, get: get! }])),
  ) as T
}
