// What an API key is: `ok_<id>_<secret>`. The secret is 256 random bits, so its SHA-256 is enough to keep: nobody guesses a preimage, and
// neither a slow hash (bcrypt, against guessing) nor a salt (against tables of guesses) would add anything but time to every request.

import { timingSafeEqual } from 'node:crypto'

export type KeyParts = { id: string; secret: string }

const pattern = /^ok_([a-z0-9-]{1,40})_([A-Za-z0-9_-]{43})$/
export const keyIdPattern = /^[a-z0-9-]{1,40}$/
export const keyPrefix = 'ok_'
export const hashPattern = /^sha256:[0-9a-f]{64}$/

export const parseKey = (text: string): KeyParts | null => {
  const [, id, secret] = pattern.exec(text) ?? []
  return id === undefined || secret === undefined ? null : { id, secret }
}

export const keyText = ({ id, secret }: KeyParts): string => `${keyPrefix}${id}_${secret}`

export const newSecret = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')

const digest = (secret: string): Buffer => new Bun.CryptoHasher('sha256').update(secret).digest()

/** What the file keeps of a secret. */
export const hashOf = (secret: string): string => `sha256:${digest(secret).toString('hex')}`

/** `hash`: the 32 bytes that the file keeps. Takes the same time wherever they differ. */
export const isSecretOf = (secret: string, hash: Uint8Array): boolean => timingSafeEqual(digest(secret), hash)
