// How one variable of the environment is read: from its text to a value, or to a fault that says what is allowed.

import { parseClaimPath, type ClaimPath } from '../http/gates/auth/claims.ts'
import { topicPattern } from '../wire/coordinates.ts'
import { variable, type Env } from './env.ts'

/** Reads one variable; an empty one counts as unset. A fault is one sentence that begins with the key. */
export type Reader<T> = (key: string, env: Env, faults: string[]) => T

/** What Kubernetes writes for a Service that is called `fix`, into the FIX_PORT of every pod of its namespace. */
const serviceLink =
  ': Kubernetes sets it to the address of a Service of that name; set it yourself, or enableServiceLinks: false'

export const int =
  (fallback: number, min: number, max: number): Reader<number> =>
  (key, env, faults) => {
    const text = variable(env, key)
    if (text === undefined) return fallback
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    faults.push(`${key} must be a whole number from ${min} to ${max}${text.startsWith('tcp://') ? serviceLink : ''}`)
    return fallback
  }

export const oneOf =
  <const T extends readonly string[]>(values: T, fallback: T[number]): Reader<T[number]> =>
  (key, env, faults) => {
    const text = variable(env, key)
    if (text === undefined) return fallback
    const value = values.find((candidate) => candidate === text.toLowerCase())
    if (value === undefined) faults.push(`${key} must be one of ${values.join(', ')}`)
    return value ?? fallback
  }

export const flag =
  (fallback: boolean): Reader<boolean> =>
  (key, env, faults) =>
    oneOf(['true', 'false'], fallback ? 'true' : 'false')(key, env, faults) === 'true'

export const text =
  (fallback: string, pattern: RegExp, rule: string): Reader<string> =>
  (key, env, faults) => {
    const value = variable(env, key) ?? fallback
    if (!pattern.test(value)) faults.push(`${key} ${rule}`)
    return value
  }

/** Text that may be left out: it is then empty, as it is after a fault. */
export const optional =
  (pattern: RegExp, rule: string): Reader<string> =>
  (key, env, faults) => {
    const value = variable(env, key) ?? ''
    if (value === '' || pattern.test(value)) return value
    faults.push(`${key} ${rule}`)
    return ''
  }

const topicRule = 'must be a topic name: 1 to 249 of A-Z a-z 0-9 . _ -'

export const topic = (fallback: string) => text(fallback, new RegExp(topicPattern), topicRule)

/** Empty: there is no such topic. */
export const optionalTopic = optional(new RegExp(topicPattern), topicRule)

/** A topic that is to be created. Null: what holds for any topic. */
export type TopicToCreate = { name: string; partitions: number | null; replicas: number | null }

const topicForm = new RegExp(topicPattern)

/** Reads `name[:partitions[:replication]]`. No name has a colon. */
const topicToCreate = (text: string): TopicToCreate | null => {
  const [name = '', ...numbers] = text.trim().split(':')
  const [partitions, replicas] = numbers.map((number) => (/^[1-9]\d*$/.test(number) ? Number(number) : Infinity))
  const isLawful = topicForm.test(name) && numbers.length <= 2 && (partitions ?? 1) <= 10_000 && (replicas ?? 1) <= 100
  return isLawful ? { name, partitions: partitions ?? null, replicas: replicas ?? null } : null
}

export const topicsToCreate: Reader<readonly TopicToCreate[]> = (key, env, faults) => {
  const items = variable(env, key)?.split(',').map(topicToCreate) ?? []
  const bad = items.indexOf(null)
  const known = items.filter((item) => item !== null)
  if (bad !== -1)
    faults.push(
      `${key} must be topics, comma-separated, each as name, name:partitions (to 10000) or name:partitions:replication (to 100): item ${bad + 1} is none`,
    )
  else if (new Set(known.map(({ name }) => name)).size < known.length) faults.push(`${key} names a topic twice`)
  return known
}

const isServer = (text: string): boolean => {
  const port = Number(/^(?:[^\s:,/]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(text)?.[1])
  return port >= 1 && port <= 65_535
}

export const servers =
  (fallback: string): Reader<readonly string[]> =>
  (key, env, faults) => {
    const list = (variable(env, key) ?? fallback).split(',').map((server) => server.trim())
    if (!list.every(isServer)) faults.push(`${key} must be host:port, comma-separated`)
    return list
  }

export const share =
  (fallback: number): Reader<number> =>
  (key, env, faults) => {
    const value = variable(env, key) ?? String(fallback)
    if (!/^(0(\.\d+)?|1(\.0+)?)$/.test(value)) faults.push(`${key} must be a number from 0 to 1`)
    return Number(value)
  }

/** Origins as browsers write them: no path, no slash at the end, no default port. */
export const origins: Reader<readonly string[]> = (key, env, faults) => {
  const list = (variable(env, key) ?? '').split(',').flatMap((origin) => (origin.trim() === '' ? [] : [origin.trim()]))
  if (!list.every((origin) => URL.parse(origin)?.origin === origin))
    faults.push(`${key} must be origins such as https://desk.example.com, comma-separated`)
  return list
}

export const path = optional(/^\P{Cc}{1,4096}$/u, 'must be a path')
export const printable = optional(/^[\x21-\x7e]{1,500}$/, 'must be 1 to 500 printable characters without spaces')

export const listOf =
  <const T extends readonly string[]>(values: T, fallback: readonly T[number][]): Reader<readonly T[number][]> =>
  (key, env, faults) => {
    const names = variable(env, key)?.split(',') ?? fallback
    const list = names.map((name) => values.find((value) => value === name.trim()))
    if (!list.includes(undefined)) return list as T[number][]
    faults.push(`${key} must be some of ${values.join(', ')}, comma-separated`)
    return fallback
  }

export const claim =
  (fallback: string): Reader<ClaimPath> =>
  (key, env, faults) => {
    const path = parseClaimPath(variable(env, key) ?? fallback)
    if (path === null) faults.push(`${key} must be the name of a claim, or a path such as realm_access.roles`)
    return path ?? []
  }

export const claims =
  (fallback: string): Reader<readonly ClaimPath[]> =>
  (key, env, faults) => {
    const paths = (variable(env, key) ?? fallback).split(',').map((one) => parseClaimPath(one.trim()))
    if (!paths.includes(null)) return paths as ClaimPath[]
    faults.push(`${key} must be names of claims, or paths such as realm_access.roles, comma-separated`)
    return []
  }

export const ms = (fallback: number, min = 1, max = 3_600_000) => int(fallback, min, max)
