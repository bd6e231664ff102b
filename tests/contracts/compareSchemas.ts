// Promises: two JSON Schemas of one place, told apart by what a client feels. What comes in must go on being taken: the old set lies
// within the new one. What goes out must stay within what clients were told: the new set lies within the old one, but for members
// that are added, and for what a request of the same release may newly bring. A keyword that is not known here and differs is a break:
// nothing is let through unjudged.

import { isEcho, isPatternWithin, type PatternPair } from './comparePatterns.ts'
import type { Json } from './documents.ts'
import { conditionsAreHarmless } from './newConditions.ts'

/** `breaking`: a client that was right before is wrong now. `decide`: one may be; somebody has to say that it is meant. */
export type Change = { kind: 'breaking' | 'decide'; at: string; what: string }
export type Direction = 'in' | 'out'
/** Patterns of requests that became wider, by the name of the member. */
export type Widenings = ReadonlyMap<string, readonly PatternPair[]>
type Pair = {
  before: Json
  after: Json
  direction: Direction
  at: string
  /** The name of the innermost member, and what requests may newly bring under it. */
  member?: string
  widenings?: Widenings
}

const breaking = (at: string, what: string): Change => ({ kind: 'breaking', at, what })
const decide = (at: string, what: string): Change => ({ kind: 'decide', at, what })
const show = (value: unknown): string => JSON.stringify(value)

/** They explain and bind nobody. */
const words = new Set(['title', 'description', 'examples', 'example', '$comment', 'deprecated'])
const judged = new Set(
  'type enum const anyOf oneOf allOf properties required additionalProperties items default'
    .split(' ')
    .concat(
      'minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength minItems maxItems'.split(' '),
      'pattern format contentEncoding'.split(' '),
    ),
)

const isShape = (schema: Json): boolean => schema['type'] !== undefined || schema['properties'] !== undefined

/** A choice as its members, each of one type; anything else is a choice of one. */
export const alternativesOf = (schema: Json): Json[] => {
  const choice = (schema['anyOf'] ?? schema['oneOf']) as Json[] | undefined
  if (choice !== undefined && !isShape(schema)) return choice.flatMap(alternativesOf)
  const type = schema['type']
  return Array.isArray(type) ? type.map((one: unknown) => ({ ...schema, type: one })) : [schema]
}

const valuesOf = (schema: Json): unknown[] | null =>
  schema['const'] === undefined ? ((schema['enum'] as unknown[] | undefined) ?? null) : [schema['const']]

const typeChanges = ({ before, after, direction, at }: Pair): Change[] => {
  const [narrow, wide] = direction === 'in' ? [before, after] : [after, before]
  const isWithin =
    wide['type'] === undefined ||
    wide['type'] === narrow['type'] ||
    (wide['type'] === 'number' && narrow['type'] === 'integer')
  return isWithin ? [] : [breaking(at, `type ${show(before['type'])} became ${show(after['type'])}`)]
}

const valueChanges = ({ before, after, direction, at }: Pair): Change[] => {
  const [old, now] = [valuesOf(before), valuesOf(after)]
  if (direction === 'in') {
    if (now === null) return []
    if (old === null) return [breaking(at, `only ${show(now)} is taken now`)]
    return old
      .filter((value) => !now.includes(value))
      .map((value) => breaking(at, `${show(value)} is not taken any more`))
  }
  if (old === null) return []
  if (now === null) return [decide(at, `any value may come, not ${show(old)} alone`)]
  return now.filter((value) => !old.includes(value)).map((value) => decide(at, `the new value ${show(value)} may come`))
}

const bounds = {
  lower: ['minimum', 'exclusiveMinimum', 'minLength', 'minItems'],
  upper: ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems'],
} as const

const boundChanges = ({ before, after, direction, at }: Pair): Change[] =>
  [...bounds.lower, ...bounds.upper].flatMap((name) => {
    const isUpper = name.toLowerCase().includes('max')
    const limit = (schema: Json): number => (schema[name] as number | undefined) ?? (isUpper ? Infinity : -Infinity)
    const [old, now] = [limit(before), limit(after)]
    if (old === now) return []
    const isTighter = isUpper ? now < old : now > old
    if (direction === 'in') return isTighter ? [breaking(at, `${name} was ${old} and is ${now}`)] : []
    return isTighter ? [] : [decide(at, `${name} was ${old} and is ${now}`)]
  })

const isLawfulPattern = ({ direction, member, widenings }: Pair, pair: PatternPair): boolean => {
  if (direction === 'in') return isPatternWithin(pair.before, pair.after)
  if (isPatternWithin(pair.after, pair.before)) return true
  const requests = member === undefined ? [] : (widenings?.get(member) ?? [])
  return requests.some((request) => isEcho(pair, request))
}

const textChanges = (pair: Pair): Change[] =>
  ['pattern', 'format', 'contentEncoding'].flatMap((name) => {
    const { before, after, direction, at } = pair
    const [old, now] = [before[name], after[name]]
    if (old === now) return []
    if (name === 'pattern' && typeof old === 'string' && typeof now === 'string')
      if (isLawfulPattern(pair, { before: old, after: now })) return []
    const text = `${name} was ${show(old)} and is ${show(now)}`
    if (direction === 'in') return now === undefined ? [] : [breaking(at, text)]
    return old === undefined ? [] : [decide(at, text)]
  })

const requiredOf = (schema: Json): string[] => (schema['required'] as string[] | undefined) ?? []

const memberChanges = (pair: Pair): Change[] => {
  const { before, after, direction, at } = pair
  const [old, now] = [before, after].map((schema) => (schema['properties'] ?? {}) as Record<string, Json>) as [
    Record<string, Json>,
    Record<string, Json>,
  ]
  const [requiredBefore, requiredNow] = [requiredOf(before), requiredOf(after)]
  const isClosed = after['additionalProperties'] === false
  const gone = Object.keys(old).filter((name) => now[name] === undefined)
  const changes = gone.map((name) =>
    direction === 'in' && !isClosed
      ? decide(`${at}/${name}`, 'the member is not read any more')
      : breaking(`${at}/${name}`, 'the member is gone'),
  )
  if (direction === 'in')
    changes.push(
      ...requiredNow
        .filter((name) => !requiredBefore.includes(name))
        .map((name) => breaking(`${at}/${name}`, 'the member is required now')),
    )
  else
    changes.push(
      ...requiredBefore
        .filter((name) => !requiredNow.includes(name) && now[name] !== undefined)
        .map((name) => breaking(`${at}/${name}`, 'the member may be missing now')),
    )
  const kept = Object.keys(old).filter((name) => now[name] !== undefined)
  return [
    ...changes,
    ...kept.flatMap((name) =>
      compareSchemas({ ...pair, before: old[name]!, after: now[name]!, at: `${at}/${name}`, member: name }),
    ),
  ]
}

const isOpen = (schema: Json): boolean => schema['additionalProperties'] !== false

const otherMembers = (pair: Pair): Change[] => {
  const { before, after, direction, at } = pair
  const [old, now] = [before['additionalProperties'], after['additionalProperties']]
  if (typeof old === 'object' && typeof now === 'object')
    return compareSchemas({ ...pair, before: old as Json, after: now as Json, at: `${at}/*` })
  if (direction === 'out' || Bun.deepEquals(old, now)) return []
  return isOpen(before) && now !== undefined && now !== true ? [breaking(at, 'unknown members are refused now')] : []
}

const listOf = (schema: Json, name: 'anyOf' | 'oneOf'): Json[] => (schema[name] as Json[] | undefined) ?? []

/** True where no value suits both, as one member that both require, or the value itself, tells them apart. */
const areDisjoint = (one: Json, other: Json): boolean => {
  const [values, others] = [valuesOf(one), valuesOf(other)]
  if (values !== null && others !== null) return !values.some((value) => others.includes(value))
  const types = [one, other].map(({ type }) => (type === 'integer' ? 'number' : type))
  if (types.every((type) => typeof type === 'string') && types[0] !== types[1]) return true
  const members = (schema: Json): Record<string, Json> => (schema['properties'] ?? {}) as Record<string, Json>
  const [all, rest] = [members(one), members(other)]
  return requiredOf(one)
    .filter((name) => requiredOf(other).includes(name) && all[name] !== undefined && rest[name] !== undefined)
    .some((name) => areDisjoint(all[name]!, rest[name]!))
}

/** An alternative more takes away nothing, unless it may be the second that suits where only one may. */
const choiceChanges = ({ before, after, direction, at }: Pair): Change[] => {
  const choices = listOf(after, 'oneOf')
  if (direction === 'out' || Bun.deepEquals(choices, listOf(before, 'oneOf'))) return []
  const areApart = choices.every((one, i) => choices.slice(i + 1).every((other) => areDisjoint(one, other)))
  return areApart ? [] : [breaking(at, 'two forms of oneOf may suit at once, and then neither is taken')]
}

/** Conditions beside members: what suited one before suits one now. What comes out must keep the same ones. */
const conditionChanges = (pair: Pair): Change[] => {
  const { before, after, direction, at } = pair
  const conditionsOf = (schema: Json, name: 'anyOf' | 'oneOf'): Json[] | undefined =>
    isShape(schema) ? (schema[name] as Json[] | undefined) : undefined
  const isKept = (['anyOf', 'oneOf'] as const).every((name) => {
    const [old, now] = [conditionsOf(before, name), conditionsOf(after, name)]
    if (direction === 'out' || old === undefined) return Bun.deepEquals(old, now)
    const takes = (one: Json, other: Json): boolean =>
      compareSchemas({ ...pair, before: one, after: other }).length === 0
    return now === undefined || old.every((one) => now.some((other) => takes(one, other)))
  })
  const [old, now] = [before['allOf'], after['allOf']]
  const isJudged = direction === 'in' ? conditionsAreHarmless(before, after) : Bun.deepEquals(old, now)
  return isKept && isJudged ? [] : [breaking(at, 'the conditions between members changed, which nobody can judge here')]
}

const otherChanges = ({ before, after, direction, at }: Pair): Change[] => {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const changes = [...names]
    .filter((name) => !words.has(name) && !judged.has(name) && !Bun.deepEquals(before[name], after[name]))
    .map((name) => breaking(at, `${name} changed, which nobody can judge here`))
  if (direction === 'in' && !Bun.deepEquals(before['default'], after['default']))
    changes.push(decide(at, `the default was ${show(before['default'])} and is ${show(after['default'])}`))
  return changes
}

/** An `anyOf` that stands alone in `allOf` says what it says beside the members. */
const withChoiceBeside = (schema: Json): Json => {
  const { allOf, ...rest } = schema as { allOf?: Json[] } & Json
  const choice = allOf?.find((one) => Object.keys(one).join() === 'anyOf')
  if (choice === undefined || rest['anyOf'] !== undefined || !isShape(rest)) return schema
  const others = allOf!.filter((one) => one !== choice)
  return { ...rest, ...choice, ...(others.length > 0 ? { allOf: others } : {}) }
}

const compareOne = (sent: Pair): Change[] => {
  const pair = { ...sent, before: withChoiceBeside(sent.before), after: withChoiceBeside(sent.after) }
  const types = typeChanges(pair)
  if (types.length > 0) return types
  const [before, after] = [pair.before['items'], pair.after['items']] as [Json | undefined, Json | undefined]
  const items =
    before === undefined && after === undefined
      ? []
      : compareSchemas({ ...pair, before: before ?? {}, after: after ?? {}, at: `${pair.at}/[]` })
  return [
    ...valueChanges(pair),
    ...boundChanges(pair),
    ...textChanges(pair),
    ...memberChanges(pair),
    ...otherMembers(pair),
    ...items,
    ...conditionChanges(pair),
    ...otherChanges(pair),
  ]
}

const weightOf = (changes: readonly Change[]): number =>
  changes.reduce((sum, { kind }) => sum + (kind === 'breaking' ? 1_000 : 1), 0)

/** Every alternative that a client may use (in) or meet (out) has to find one on the other side that suits it best. */
export const compareSchemas = (pair: Pair): Change[] => {
  const { before, after, direction } = pair
  const [old, now] = [alternativesOf(before), alternativesOf(after)]
  const best = (candidates: Change[][]): Change[] => candidates.toSorted((a, b) => weightOf(a) - weightOf(b))[0]!
  const compare = (one: Json, other: Json): Change[] => compareOne({ ...pair, before: one, after: other })
  return direction === 'in'
    ? [...choiceChanges(pair), ...old.flatMap((one) => best(now.map((other) => compare(one, other))))]
    : now.flatMap((one) => best(old.map((other) => compare(other, one))))
}
