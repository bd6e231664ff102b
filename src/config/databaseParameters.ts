// The parameters behind a database's address. Each is honoured, or named in a warning, or stops the start: the last where leaving
// it out would make the connection less safe than was asked for, or one to another place.

import type { Address } from './databaseAddress.ts'

/** Parameters that have an effect; `sslfactory` where it is one of the driver's own three. */
export const honoured = [
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

const elsewhere: Refusal = { because: 'has no effect: what it says has its place before the question mark' }
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

/** As both drivers write them. `unless`: values with which it asks for nothing. */
const refused: Readonly<Record<string, Refusal>> = {
  host: elsewhere,
  hostaddr: elsewhere,
  port: elsewhere,
  dbname: elsewhere,
  service: elsewhere,
  PGHOST: elsewhere,
  PGPORT: elsewhere,
  PGDBNAME: elsewhere,
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

/** What may be left out, though its name says that it is about encryption. */
const harmless = [
  'sslsni',
  'sslcompression',
  'sslnegotiation',
  'sslpasswordcallback',
  'sslfactoryarg',
  'sslResponseTimeout',
  'ssl_max_protocol_version',
]

/** What is a key of this service. */
const keys: Readonly<Record<string, string>> = {
  connectTimeout: 'DB_CONNECT_TIMEOUT_MS',
  connect_timeout: 'DB_CONNECT_TIMEOUT_MS',
  loginTimeout: 'DB_CONNECT_TIMEOUT_MS',
  socketTimeout: 'DB_STATEMENT_TIMEOUT_MS',
  statement_timeout: 'DB_STATEMENT_TIMEOUT_MS',
  lock_timeout: 'DB_LOCK_TIMEOUT_MS',
}

const spelling = new Map([...honoured, ...Object.keys(refused)].map((name) => [name.toLowerCase(), name]))

/** Undefined where the parameter is honoured. */
const judge = (name: string, values: readonly string[]): { fault: string } | { warning: string } | undefined => {
  if (honoured.includes(name)) return new Set(values).size > 1 ? { fault: `${name} is given twice` } : undefined
  const refusal = refused[name]
  if (refusal !== undefined) {
    const asks = values.some((value) => value !== '' && refusal.unless?.test(value) !== true)
    return asks ? { fault: `${name} ${refusal.because}` } : undefined
  }
  const meant = spelling.get(name.toLowerCase())
  if (meant !== undefined) return { fault: `${name} has no effect: it is written ${meant}` }
  if (/ssl|tls/i.test(name) && !harmless.includes(name))
    return { fault: `${name} is not known: sslmode says how the connection is encrypted` }
  const key = keys[name]
  return { warning: `the parameter ${name} is not used${key === undefined ? '' : `: ${key} is the key for it`}` }
}

/** Looks at every parameter once. Answers the warnings. */
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
