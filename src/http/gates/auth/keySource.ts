// Where the keys of tokens come from: a file, or a URL. The keys of a URL are kept: they are asked for again when they are old or when
// a token names one that is not among them, never more often than the cooldown, and stay in force while the URL is away.

import { describe, type Log } from '../../../telemetry/log.ts'
import { parseKeySet, type KeySet } from './keySet.ts'
import { watchFile } from './watchedFile.ts'

/** `generation`: grows whenever the keys change. */
export type Keys = { set: KeySet; generation: number }

export type KeySource = {
  /** The keys as they are known now; null where none ever were. */
  current: () => Promise<Keys | null>
  /** Looks for newer ones, if the cooldown allows it. */
  renew: () => Promise<void>
  /** Of the keys as they are now: what was decided with older ones counts no more. */
  generation: () => number
}

/** Throws where the file cannot be used at the start. */
export const keysFromFile = (path: string, log: Log): KeySource => {
  const file = watchFile({ path, what: 'AUTH_JWKS_FILE', parse: parseKeySet, log })
  return {
    current() {
      const generation = file.generation()
      return Promise.resolve({ set: file.current(), generation })
    },
    renew: () => Promise.resolve(),
    generation: file.generation,
  }
}

export type UrlOptions = {
  url: string
  /** Older keys are asked for again before they are used. */
  ageMaxMs: number
  /** Between two requests to the URL, whatever came of the first. */
  cooldownMs: number
  timeoutMs: number
  log: Log
  nowMs?: () => number
}

const bytesMax = 1_048_576

/** The text of an answer, given up where it is too long. */
const readBounded = async (response: Response): Promise<string> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new Error(`the answer is longer than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** No redirect is followed: the operator named one address, and no answer may lead elsewhere. */
const download = async (url: string, timeoutMs: number): Promise<string> => {
  const headers = { accept: 'application/jwk-set+json, application/json' }
  const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
  if (response.status !== 200) throw new Error(`the answer was ${response.status}`)
  return readBounded(response)
}

export const keysFromUrl = ({ url, ageMaxMs, cooldownMs, timeoutMs, log, ...rest }: UrlOptions): KeySource => {
  const { nowMs = () => performance.now() } = rest
  let known: { text: string; set: KeySet; at: number } | null = null
  let askedAt = -Infinity
  let asking: Promise<void> | null = null
  let generation = 0

  const ask = async (): Promise<void> => {
    askedAt = nowMs()
    try {
      const text = await download(url, timeoutMs)
      const isNew = text !== known?.text
      known = { text, set: isNew ? parseKeySet(text) : known!.set, at: nowMs() }
      if (isNew) generation++
    } catch (error) {
      const kept = known === null ? 'no token can be checked until it answers' : 'the last good keys stay in force'
      log.rarely('error', 'jwks', `AUTH_JWKS_URL: the keys could not be read; ${kept}`, describe(error))
    }
  }
  const renew = (): Promise<void> => {
    if (asking !== null) return asking
    if (nowMs() - askedAt < cooldownMs) return Promise.resolve()
    asking = ask().finally(() => (asking = null))
    return asking
  }
  return {
    renew,
    generation: () => generation,
    async current() {
      if (known === null || nowMs() - known.at >= ageMaxMs) await renew()
      return known === null ? null : { set: known.set, generation }
    },
  }
}
