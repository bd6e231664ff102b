// Secrets that the service gives out: 256 random bits, so their plain SHA-256 may be stored: nobody can guess a preimage. A slow hash (against
// guessing) or a salt (against tables of guesses) would only add time to every check.

import { timingSafeEqual } from 'node:crypto'

export const hashPattern = /^sha256:[0-9a-f]{64}$/

export const newSecret = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')

const digest = (secret: string): Buffer => new Bun.CryptoHasher('sha256').update(secret).digest()

/** The form in which a file stores a secret. */
export const hashOf = (secret: string): string => `sha256:${digest(secret).toString('hex')}`

/** The 32 bytes of what matches hashPattern. */
export const hashBytes = (hash: string): Uint8Array => Buffer.from(hash.slice('sha256:'.length), 'hex')

/** The hash to compare with if there is none, so that the check takes equally long. */
export const noHash = new Uint8Array(32)

/** `hash`: the 32 bytes in the file. Takes the same time wherever they differ. */
export const isSecretOf = (secret: string, hash: Uint8Array): boolean => timingSafeEqual(digest(secret), hash)
