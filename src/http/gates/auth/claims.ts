// Reads claims by configured names, because issuers keep audience and scopes in different places. A claim that is missing or of an
// unexpected kind names nothing. Only own members of the token count, never what every object inherits.

/** The names that lead to a claim, outermost first. */
export type ClaimPath = readonly string[]

const textMax = 200
const depthMax = 8
const printableName = /^[\x21-\x2b\x2d-\x7e]+$/

/** `realm_access.roles` is a path; a name with `://` in it, such as Auth0 gives its own claims, is one name. Null: neither. */
export const parseClaimPath = (text: string): ClaimPath | null => {
  if (text.length > textMax || !printableName.test(text)) return null
  const names = text.includes('://') ? [text] : text.split('.')
  return names.length > depthMax || names.includes('') ? null : names
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Undefined if the path leads nowhere. */
export const claimAt = (payload: object, path: ClaimPath): unknown => {
  let value: unknown = payload
  for (const name of path) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

const isText = (value: unknown): value is string => typeof value === 'string'

/** One text, or a list of texts alone; anything else names no audience. */
export const namesAudience = (claim: unknown, audience: string): boolean =>
  isText(claim) ? claim === audience : Array.isArray(claim) && claim.every(isText) && claim.includes(audience)

/** Words of a text, or the texts of a list. */
export const textsOf = (claim: unknown): string[] => {
  if (isText(claim)) return claim.split(' ')
  return Array.isArray(claim) ? claim.filter(isText) : []
}
