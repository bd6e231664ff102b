// Promises: two JSON Schemas of one place, told apart by what a client feels. What comes in must go on being taken: the old set lies
// within the new one. What goes out must stay within what clients were told: the new set lies within the old one, but for members
// that are added. A keyword that is not known here and differs is a break: nothing is let through unjudged.

import type { Json } from './documents.ts'

/** `breaking`: a client that was right before is wrong now. `decide`: one may be; somebody has to say that it is meant. */
export type Change = { kind: 'breaking' | 'decide'; at: string; what: string }
export type Direction = 'in' | 'out'
type Pair = { before: Json; after: Json; direction: Direction; at: string }

const breaking = (at: string, what: string): Change => ({ kind: 'breaking', at, what })
const decide = (at: string, what: string): Change => ({ kind: 'decide', at, what })
const show = (value: unknown): string => JSON.stringify(value)

/** They explain and bind nobody. */
const words = new Set(['title', 'description', 'examples', 'example', '$comment', 'deprecated'])
const judged = new Set(
  'type enum const anyOf oneOf properties required additionalProperties items default'
    .split(' ')
    .concat(
      'minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength minItems maxItems'.split(' '),
      'pattern format contentEncoding'.split(' '),
    ),
)

const isShape = (schema: Json): boolean => schema['type'] !== undefined || schema['properties'] !== undefined

/** A choice as its members, each of one type; anything else is a choice of one. */
const alternativesOf = (schema: Json): Json[] => {
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

const textChanges = ({ before, after, direction, at }: Pair): Change[] =>
  ['pattern', 'format', 'contentEncoding'].flatMap((name) => {
    const [old, now] = [before[name], after[name]]
    if (old === now) return []
    const text = `${name} was ${show(old)} and is ${show(now)}`
    if (direction === 'in') return now === undefined ? [] : [breaking(at, text)]
    return old === undefined ? [] : [decide(at, text)]
  })

const requiredOf = (schema: Json): string[] => (schema['required'] as string[] | undefined) ?? []

const memberChanges = ({ before, after, direction, at }: Pair): Change[] => {
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
      compareSchemas({ before: old[name]!, after: now[name]!, direction, at: `${at}/${name}` }),
    ),
  ]
}

const isOpen = (schema: Json): boolean => schema['additionalProperties'] !== false

const otherMembers = ({ before, after, direction, at }: Pair): Change[] => {
  const [old, now] = [before['additionalProperties'], after['additionalProperties']]
  if (typeof old === 'object' && typeof now === 'object')
    return compareSchemas({ before: old as Json, after: now as Json, direction, at: `${at}/*` })
  if (direction === 'out' || Bun.deepEquals(old, now)) return []
  return isOpen(before) && now !== undefined && now !== true ? [breaking(at, 'unknown members are refused now')] : []
}

const otherChanges = ({ before, after, direction, at }: Pair): Change[] => {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const conditions = [before, after].map((schema) => (isShape(schema) ? [schema['anyOf'], schema['oneOf']] : []))
  const changes = [...names]
    .filter((name) => !words.has(name) && !judged.has(name) && !Bun.deepEquals(before[name], after[name]))
    .map((name) => breaking(at, `${name} changed, which nobody can judge here`))
  if (!Bun.deepEquals(conditions[0], conditions[1]))
    changes.push(breaking(at, 'the conditions between members changed, which nobody can judge here'))
  if (direction === 'in' && !Bun.deepEquals(before['default'], after['default']))
    changes.push(decide(at, `the default was ${show(before['default'])} and is ${show(after['default'])}`))
  return changes
}

const compareOne = (pair: Pair): Change[] => {
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
    ...otherChanges(pair),
  ]
}

const weightOf = (changes: readonly Change[]): number =>
  changes.reduce((sum, { kind }) => sum + (kind === 'breaking' ? 1_000 : 1), 0)

/** Every alternative that a client may use (in) or meet (out) has to find one on the other side that suits it best. */
export const compareSchemas = ({ before, after, direction, at }: Pair): Change[] => {
  const [old, now] = [alternativesOf(before), alternativesOf(after)]
  const best = (candidates: Change[][]): Change[] => candidates.toSorted((a, b) => weightOf(a) - weightOf(b))[0]!
  return direction === 'in'
    ? old.flatMap((one) => best(now.map((other) => compareOne({ before: one, after: other, direction, at }))))
    : now.flatMap((one) => best(old.map((other) => compareOne({ before: other, after: one, direction, at }))))
}
