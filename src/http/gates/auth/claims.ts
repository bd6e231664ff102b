// Reads claims by configured names, because issuers put audience and scopes in different places. A claim that is missing or has an
// unexpected type names nothing. Only own members of the token count, never those that every object inherits.

/** The names that lead to a claim, outermost first. */
export type ClaimPath = readonly string[]

const textMax = 200
const depthMax = 8
const printableName = /^[\x21-\x2b\x2d-\x7e]+$/

/** `realm_access.roles` is a path. A text with `://`, such as the names of Auth0's own claims, is one name. Null if the text is neither. */
export const parseClaimPath = (text: string): ClaimPath | null => {
  if (text.length > textMax || !printableName.test(text)) return null
  const names = text.includes('://') ? [text] : text.split('.')
  return names.length > depthMax || names.includes('') ? null : names
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The claim at this path; undefined if there is none. */
export const claimAt = (payload: object, path: ClaimPath): unknown => {
  let value: unknown = payload
  for (const name of path) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

const isText = (value: unknown): value is string => typeof value === 'string'

/** Whether a claim names this audience: as a text, or in a list that has only texts. */
export const namesAudience = (claim: unknown, audience: string): boolean =>
  isText(claim) ? claim === audience : Array.isArray(claim) && claim.every(isText) && claim.includes(audience)

/** The words of a text, or the texts in a list. */
export const textsOf = (claim: unknown): string[] => {
  if (isText(claim)) return claim.split(' ')
  return Array.isArray(claim) ? claim.filter(isText) : []
}
