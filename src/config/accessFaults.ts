// What the settings of authentication, limits and the port for operators must be to each other.

export type AccessSettings = {
  SERVER_PORT: number
  AUTH_JWKS_URL: string
  AUTH_JWKS_FILE: string
  AUTH_JWT_ISSUER: string
  AUTH_JWT_AUDIENCE: string
  AUTH_API_KEYS_FILE: string
  RATE_LIMIT_PER_SUBJECT_PER_SECOND: number
  RATE_LIMIT_PER_SUBJECT_BURST: number
  RATE_LIMIT_TOTAL_PER_SECOND: number
  RATE_LIMIT_TOTAL_BURST: number
  RATE_LIMIT_BY_ADDRESS: boolean
  MANAGEMENT_PORT: number
}

/** Whether JWTs are taken. */
export const takesTokens = (values: AccessSettings): boolean =>
  values.AUTH_JWKS_URL !== '' || values.AUTH_JWKS_FILE !== ''
export const takesKeys = (values: AccessSettings): boolean => values.AUTH_API_KEYS_FILE !== ''

/** A token that anybody's issuer made, or that was made for another service, must not do here. */
const tokenFaults = (values: AccessSettings): string[] => {
  const named = ['AUTH_JWT_ISSUER', 'AUTH_JWT_AUDIENCE'] as const
  if (values.AUTH_JWKS_URL !== '' && values.AUTH_JWKS_FILE !== '')
    return ['AUTH_JWKS_URL and AUTH_JWKS_FILE are given: set one of them']
  if (takesTokens(values))
    return named
      .filter((key) => values[key] === '')
      .map((key) => `${key} is required with AUTH_JWKS_URL or AUTH_JWKS_FILE`)
  // A name that was misspelt must not leave the service open.
  return named.filter((key) => values[key] !== '').map((key) => `${key} needs AUTH_JWKS_URL or AUTH_JWKS_FILE`)
}

const limitFaults = (values: AccessSettings): string[] => {
  const faults: string[] = []
  for (const name of ['RATE_LIMIT_PER_SUBJECT', 'RATE_LIMIT_TOTAL'] as const)
    if (values[`${name}_BURST`] > 0 && values[`${name}_PER_SECOND`] === 0)
      faults.push(`${name}_BURST needs ${name}_PER_SECOND`)
  const hasSubjects = takesTokens(values) || takesKeys(values) || values.RATE_LIMIT_BY_ADDRESS
  if (values.RATE_LIMIT_PER_SUBJECT_PER_SECOND > 0 && !hasSubjects)
    faults.push('RATE_LIMIT_PER_SUBJECT_PER_SECOND needs authentication, or RATE_LIMIT_BY_ADDRESS=true')
  return faults
}

export const accessFaults = (values: AccessSettings): string[] => [
  ...tokenFaults(values),
  ...limitFaults(values),
  ...(values.MANAGEMENT_PORT !== 0 && values.MANAGEMENT_PORT === values.SERVER_PORT
    ? ['MANAGEMENT_PORT must differ from SERVER_PORT, or be left out']
    : []),
]
