// The source of the keys for tokens: a file or a URL. Keys from a URL stay in memory. They are downloaded again when they are old or when
// a token names a missing key, but never more often than the cooldown allows. They stay in force while the URL does not answer.

import { describe, type Log } from '../../../telemetry/log.ts'
import { parseKeySet, type KeySet } from './keySet.ts'
import { watchFile } from './watchedFile.ts'

/** `generation`: increases when the keys change. */
export type Keys = { set: KeySet; generation: number }

export type KeySource = {
  /** The current keys; null if no keys have been read yet. */
  current: () => Promise<Keys | null>
  /** Looks for newer keys, if the cooldown allows it. */
  renew: () => Promise<void>
  /** Increases when the keys change; verdicts cached under an older generation are void. */
  generation: () => number
}

/** Reads keys from a file. Throws if the file cannot be used at the start. */
export const keysFromFile = (path: string, log: Log): KeySource => {
  const file = watchFile({ path, setting: 'AUTH_JWKS_FILE', parse: parseKeySet, log })
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
  /** Keys older than this are downloaded again before they are used. */
  ageMaxMs: number
  /** The least time between two downloads, successful or not. */
  cooldownMs: number
  timeoutMs: number
  log: Log
  nowMs?: () => number
}

const bytesMax = 1_048_576

/** The text of an answer. Throws as soon as the answer is too long. */
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

/**
 * Downloads the text at the URL. It follows no redirect: the operator named one address, and no answer may lead elsewhere. Over a connection of
 * its own: one that is kept for minutes may have been dropped by what is between, silently, and the wait for it would cost new keys a cooldown.
 */
const download = async (url: string, timeoutMs: number): Promise<string> => {
  const headers = { accept: 'application/jwk-set+json, application/json' }
  const signal = AbortSignal.timeout(timeoutMs)
  const response = await fetch(url, { headers, redirect: 'manual', keepalive: false, signal })
  if (response.status !== 200) throw new Error(`the answer was ${response.status}`)
  return readBounded(response)
}

export const keysFromUrl = ({ url, ageMaxMs, cooldownMs, timeoutMs, log, ...rest }: UrlOptions): KeySource => {
  const { nowMs = () => performance.now() } = rest
  let latest: { text: string; set: KeySet; at: number } | null = null
  let triedAt = -Infinity
  let downloading: Promise<void> | null = null
  let generation = 0

  const downloadKeys = async (): Promise<void> => {
    triedAt = nowMs()
    try {
      const text = await download(url, timeoutMs)
      const isNew = text !== latest?.text
      latest = { text, set: isNew ? parseKeySet(text) : latest!.set, at: nowMs() }
      if (isNew) generation++
    } catch (error) {
      const effect = latest === null ? 'no token can be checked until it answers' : 'the last good keys stay in force'
      log.rarely('error', 'jwks', `AUTH_JWKS_URL: the keys could not be read; ${effect}`, describe(error))
    }
  }
  const renew = (): Promise<void> => {
    if (downloading !== null) return downloading
    if (nowMs() - triedAt < cooldownMs) return Promise.resolve()
    downloading = downloadKeys().finally(() => (downloading = null))
    return downloading
  }
  return {
    renew,
    generation: () => generation,
    async current() {
      if (latest === null || nowMs() - latest.at >= ageMaxMs) await renew()
      return latest === null ? null : { set: latest.set, generation }
    },
  }
}
