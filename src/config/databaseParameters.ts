// The parameters of a database's address. Each one takes effect, or is named in a warning, or stops the start. A parameter stops the start
// if the connection would be less safe than the address demands without it, or would lead to another place.

import type { Address } from './databaseAddress.ts'

/** Parameters that take effect; `sslfactory` only with one of the driver's own three classes. */
export const effectiveParameters = [
  'user',
  'password',
  'ssl',
  'sslmode',
  'sslfactory',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslpassword',
  'currentSchema',
  'ApplicationName',
  'application_name',
  'options',
  'targetServerType',
  'target_session_attrs',
]

type Refusal = { unless?: RegExp; because: string }

const beforeQuestionMark: Refusal = { because: 'has no effect: what it says has its place before the question mark' }
const javaClass: Refusal = {
  because: 'is a class of Java, which has no effect here: sslmode and sslrootcert are what to use',
}
const schema: Refusal = { because: 'has no effect: currentSchema is the parameter for it' }
const channelBinding: Refusal = {
  unless: /^(disable|prefer)$/,
  because: 'is not offered: sslmode=verify-full is what keeps others from standing in between',
}
const gss: Refusal = { unless: /^(disable|allow|prefer)$/, because: 'is not offered: sslmode is what encrypts' }
const methods: Refusal = { because: 'is not offered: the server alone says how to log in' }
const revocation: Refusal = { because: 'is not offered: revoked certificates cannot be told' }

/** In the spelling of both drivers. `unless`: values that demand nothing, so that they may be ignored. */
const refusals: Readonly<Record<string, Refusal>> = {
  host: beforeQuestionMark,
  hostaddr: beforeQuestionMark,
  port: beforeQuestionMark,
  dbname: beforeQuestionMark,
  service: beforeQuestionMark,
  PGHOST: beforeQuestionMark,
  PGPORT: beforeQuestionMark,
  PGDBNAME: beforeQuestionMark,
  schema,
  search_path: schema,
  socketFactory: {
    because: 'is a class of Java, which has no effect here: give the address of a proxy beside this service',
  },
  sslhostnameverifier: javaClass,
  channelBinding,
  channel_binding: channelBinding,
  gssEncMode: gss,
  gssencmode: gss,
  requireAuth: methods,
  require_auth: methods,
  sslcrl: revocation,
  sslcrldir: revocation,
  sslcertmode: { unless: /^(disable|allow)$/, because: 'is not offered' },
  ssl_min_protocol_version: {
    unless: /^TLSv1(\.[012])?$/i,
    because: 'is not offered: TLS 1.2 and newer is what is spoken',
  },
}

/** Parameters that may be ignored, although their names say that they are about encryption. */
const harmlessNames = [
  'sslsni',
  'sslcompression',
  'sslnegotiation',
  'sslpasswordcallback',
  'sslfactoryarg',
  'sslResponseTimeout',
  'ssl_max_protocol_version',
]

/** Parameters that are settings of this service, with the key of each. */
const settingKeys: Readonly<Record<string, string>> = {
  connectTimeout: 'DB_CONNECT_TIMEOUT_MS',
  connect_timeout: 'DB_CONNECT_TIMEOUT_MS',
  loginTimeout: 'DB_CONNECT_TIMEOUT_MS',
  socketTimeout: 'DB_STATEMENT_TIMEOUT_MS',
  statement_timeout: 'DB_STATEMENT_TIMEOUT_MS',
  lock_timeout: 'DB_LOCK_TIMEOUT_MS',
}

const spellings = new Map([...effectiveParameters, ...Object.keys(refusals)].map((name) => [name.toLowerCase(), name]))

/** @returns undefined if the parameter takes effect */
const judge = (name: string, values: readonly string[]): { fault: string } | { warning: string } | undefined => {
  if (effectiveParameters.includes(name))
    return new Set(values).size > 1 ? { fault: `${name} is given twice` } : undefined
  const refusal = refusals[name]
  if (refusal !== undefined) {
    const demands = values.some((value) => value !== '' && refusal.unless?.test(value) !== true)
    return demands ? { fault: `${name} ${refusal.because}` } : undefined
  }
  const spelling = spellings.get(name.toLowerCase())
  if (spelling !== undefined) return { fault: `${name} has no effect: it is written ${spelling}` }
  if (/ssl|tls/i.test(name) && !harmlessNames.includes(name))
    return { fault: `${name} is not known: sslmode says how the connection is encrypted` }
  const key = settingKeys[name]
  return { warning: `the parameter ${name} is not used${key === undefined ? '' : `: ${key} is the key for it`}` }
}

/** Judges every parameter once. Returns the warnings and adds to the faults. */
export const judgeParameters = ({ key, parameters }: Address, faults: string[]): string[] => {
  const warnings: string[] = []
  if (parameters.get('sslfactory')?.endsWith('.NonValidatingFactory') && parameters.get('sslmode') !== null)
    warnings.push(`${key}: the parameter sslfactory is not used: sslmode says what is verified`)
  for (const name of new Set(parameters.keys())) {
    const verdict = judge(name, parameters.getAll(name))
    if (verdict === undefined) continue
    if ('fault' in verdict) faults.push(`${key}: ${verdict.fault}`)
    else warnings.push(`${key}: ${verdict.warning}`)
  }
  return warnings
}
