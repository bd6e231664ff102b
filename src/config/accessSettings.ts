// Settings of authentication and limits, and the rules between them and the port for operators.

import { instrumentModes } from '../domain/rules.ts'
import { algorithms } from '../http/gates/auth/algorithms.ts'
import { claim, claims, flag, int, listOf, ms, oneOf, optional, path, printable, text } from './readers.ts'
import type { Setting, ValuesOf } from './setting.ts'

export const authenticationSettings = {
  AUTH_JWKS_URL: {
    read: optional(/^https?:\/\/[^\s@/?#]+([/?][^\s#]*)?$/, 'must be an http(s) address without user and password'),
    note: 'Where the issuer publishes its keys. This key, or the next, turns JWTs on.',
  },
  AUTH_JWKS_FILE: { read: path, note: 'The same keys as a file. It is read again when it changes.' },
  AUTH_JWKS_AGE_MAX_MS: {
    read: ms(600_000, 1_000, 86_400_000),
    note: 'Older keys are asked for again. The last good ones stay in force while the URL does not answer.',
  },
  AUTH_JWKS_COOLDOWN_MS: {
    read: ms(30_000, 100),
    note: 'The least time between two requests to the URL, whatever tokens come.',
  },
  AUTH_JWKS_TIMEOUT_MS: { read: ms(3_000, 100, 30_000), note: 'How long the URL may take for an answer.' },
  AUTH_JWT_ALGORITHMS: {
    read: listOf(algorithms, ['RS256', 'PS256', 'ES256', 'EdDSA']),
    note: 'Algorithms of signatures, comma-separated. Others: `RS384`, `RS512`, `PS384`, `PS512`, `ES384`, `ES512`, `Ed25519`; never `none` or a shared secret.',
  },
  AUTH_JWT_ISSUER: { read: printable, note: 'Required with JWTs: what the claim `iss` has to be.' },
  AUTH_JWT_AUDIENCE: { read: printable, note: 'Required with JWTs: what the claim `aud` has to name.' },
  AUTH_JWT_AUDIENCE_CLAIM: {
    read: claim('aud'),
    note: 'The claim that names the audience, or a path to it such as `a.b`.',
  },
  // RFC 9068 has `scope` as one text; other issuers write `scp` or `scopes`.
  AUTH_JWT_SCOPE_CLAIM: {
    read: claims('scope,scp,scopes'),
    note: 'Claims that hold the scopes, or paths such as `realm_access.roles`, comma-separated. Each is a text with blanks, or a list.',
  },
  AUTH_JWT_CLOCK_TOLERANCE_SECONDS: {
    read: int(5, 0, 300),
    note: "How far the issuer's clock may differ, for the claims `exp` and `nbf`.",
  },
  AUTH_JWT_CACHE_MAX_TOKENS: { read: int(10_000, 1, 1_000_000), note: 'Tokens whose verification is remembered.' },
  AUTH_JWT_CACHE_AGE_MAX_MS: {
    read: ms(300_000, 1),
    note: 'How long a verification is remembered. It never outlasts `exp`, nor a change of the keys.',
  },
  AUTH_SUBJECT_CLAIM: {
    read: text('sub', /^[\x21-\x7e]{1,100}$/, 'must be the name of a claim'),
    note: 'The claim that is the `userId`.',
  },
  AUTH_API_KEYS_FILE: { read: path, note: 'This file turns API keys on. It is read again when it changes.' },
  AUTH_FAILURES_PER_SECOND: {
    read: int(10, 0, 1_000_000),
    note: 'Bad credentials of one address that are looked at. `0`: all.',
  },
  AUTH_FAILURES_BURST: { read: int(100, 1, 1_000_000), note: 'Bad credentials of one address at once.' },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

export const limitSettings = {
  INSTRUMENTS: {
    read: oneOf(instrumentModes, 'open'),
    note: '`open`: orders of every ticker are taken. `listed`: only of those that an administrator has listed (`PUT /instruments`).',
  },
  REJECTED_PER_MINUTE_MAX: {
    read: int(600, 1, 1_000_000),
    note: 'Orders of one caller that a rule of business refuses and that are stored as `REJECTED`; more are a `429`, and their keys stay free.',
  },
  RATE_LIMIT_PER_SUBJECT_PER_SECOND: {
    read: int(0, 0, 1_000_000),
    note: 'Requests of one caller for orders and exceptions. `0`: no limit.',
  },
  RATE_LIMIT_PER_SUBJECT_BURST: {
    read: int(0, 0, 10_000_000),
    note: 'Requests of one caller at once. `0`: those of a second.',
  },
  RATE_LIMIT_TOTAL_PER_SECOND: {
    read: int(0, 0, 1_000_000),
    note: 'Requests of all callers together, in this process. `0`: no limit.',
  },
  RATE_LIMIT_TOTAL_BURST: {
    read: int(0, 0, 10_000_000),
    note: 'Requests of all callers at once. `0`: those of a second.',
  },
  RATE_LIMIT_BY_ADDRESS: {
    read: flag(false),
    note: '`true`: without authentication the address counts as the caller. Useless behind a proxy, which is one address.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

/** With two keys of other groups: the two ports must differ. */
export type AccessSettings = ValuesOf<typeof authenticationSettings> &
  ValuesOf<typeof limitSettings> & { readonly SERVER_PORT: number; readonly MANAGEMENT_PORT: number }

/** Whether JWTs are taken. */
export const takesTokens = (values: AccessSettings): boolean =>
  values.AUTH_JWKS_URL !== '' || values.AUTH_JWKS_FILE !== ''
export const takesKeys = (values: AccessSettings): boolean => values.AUTH_API_KEYS_FILE !== ''

/** Without issuer and audience, tokens of any issuer or for any other service would be good here. */
const tokenFaults = (values: AccessSettings): string[] => {
  const names = ['AUTH_JWT_ISSUER', 'AUTH_JWT_AUDIENCE'] as const
  if (values.AUTH_JWKS_URL !== '' && values.AUTH_JWKS_FILE !== '')
    return ['AUTH_JWKS_URL and AUTH_JWKS_FILE are given: set one of them']
  if (takesTokens(values))
    return names
      .filter((key) => values[key] === '')
      .map((key) => `${key} is required with AUTH_JWKS_URL or AUTH_JWKS_FILE`)
  // A misspelt AUTH_JWKS_ key must not leave the service open.
  return names.filter((key) => values[key] !== '').map((key) => `${key} needs AUTH_JWKS_URL or AUTH_JWKS_FILE`)
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

export const accessFaults = (values: AccessSettings): string[] => [...tokenFaults(values), ...limitFaults(values)]
