// An API key is `ok_<id>_<secret>`. The secret has 256 random bits, so its plain SHA-256 may be stored: nobody can guess a preimage. A slow
// hash (against guessing) or a salt (against tables of guesses) would only add time to every request.

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

/** The form in which the file stores a secret. */
export const hashOf = (secret: string): string => `sha256:${digest(secret).toString('hex')}`

/** `hash`: the 32 bytes in the file. Takes the same time wherever they differ. */
export const isSecretOf = (secret: string, hash: Uint8Array): boolean => timingSafeEqual(digest(secret), hash)
