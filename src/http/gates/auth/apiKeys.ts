// The file of API keys: a JSON array, or one JSON object a line, of { id, hash, subject, scopes, expires? }. It holds no secret, because
// nobody can call with a hash. An unknown member is refused: "expire" instead of "expires" would make a key that never expires.

import { callerOf, isScope, type Caller } from '../../../app/caller.ts'
import type { Log } from '../../../telemetry/log.ts'
import { instantFromJson } from '../../../wire/instant.ts'
import { hashBytes, hashPattern, isSecretOf, noHash } from '../../../wire/secret.ts'
import { keyIdPattern, parseKey } from './apiKey.ts'
import { refuse, type Verdict } from './verdict.ts'
import { watchFile } from './watchedFile.ts'

type StoredKey = { hash: Uint8Array; caller: Caller; expiresMs: number }

const members = ['id', 'hash', 'subject', 'scopes', 'expires']

const fail = (at: number, fault: string): never => {
  throw new Error(`key ${at + 1}: ${fault}`)
}

const expiryOf = (expires: unknown, at: number): number => {
  if (expires === undefined || expires === null) return Infinity
  const instant = typeof expires === 'string' && expires.endsWith('Z') ? instantFromJson(expires) : null
  return instant === null
    ? fail(at, 'expires must be an ISO-8601 instant in UTC, such as 2027-01-02T03:04:05Z')
    : Date.parse(instant)
}

const readKey = (value: unknown, at: number): [string, StoredKey] => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(at, 'must be a JSON object')
  const { id, hash, subject, scopes, expires } = value as Record<string, unknown>
  if (Object.keys(value).some((name) => !members.includes(name))) fail(at, `has only ${members.join(', ')}`)
  if (typeof id !== 'string' || !keyIdPattern.test(id)) return fail(at, 'id must be 1 to 40 of a-z 0-9 -')
  if (typeof hash !== 'string' || !hashPattern.test(hash)) return fail(at, 'hash must be sha256: and 64 hex digits')
  const isScopeName = (scope: unknown): boolean => typeof scope === 'string' && isScope(scope)
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every(isScopeName))
    return fail(at, 'scopes must be a list of orders:read, orders:write, orders:admin')
  const caller = callerOf({ subject, scopes: scopes as string[], credential: `key:${id}` })
  if (caller === null) return fail(at, 'subject must be a UUID (or, with orders:admin, 1 to 200 printable characters)')
  return [id, { hash: hashBytes(hash), caller, expiresMs: expiryOf(expires, at) }]
}

const parseJson = (text: string, at: number): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return fail(at, 'is not valid JSON')
  }
}

const valuesOf = (text: string): unknown[] => {
  if (text.trimStart().startsWith('[')) return parseJson(text, 0) as unknown[]
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map(parseJson)
}

/** Throws, with a sentence that names a key by its position and quotes nothing. */
export const parseKeys = (text: string): ReadonlyMap<string, StoredKey> => {
  const keys = valuesOf(text).map(readKey)
  const byId = new Map(keys)
  if (byId.size < keys.length) throw new Error('two keys have one id')
  return byId
}

export type KeyCheck = (text: string) => Verdict

/** Checks API keys against the file. Throws if the file cannot be used at the start. */
export const createKeyCheck = (path: string, log: Log, nowMs: () => number): KeyCheck => {
  const file = watchFile({ path, setting: 'AUTH_API_KEYS_FILE', parse: parseKeys, log })
  return (text) => {
    const parts = parseKey(text)
    if (parts === null) return refuse('invalid', 'no API key')
    const stored = file.current().get(parts.id)
    if (!isSecretOf(parts.secret, stored?.hash ?? noHash) || stored === undefined)
      return refuse('invalid', 'no such API key')
    return stored.expiresMs <= nowMs()
      ? refuse('expired', 'the API key is expired')
      : { ok: true, caller: stored.caller, expiresAtMs: stored.expiresMs }
  }
}
