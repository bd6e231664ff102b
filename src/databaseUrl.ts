// The address of the database: DATABASE_URL, or the Spring keys of an existing deployment. Whatever it was given as, it becomes
// one URL without parameters, and the few parameters that are honoured.

import { given, type Env } from './env.ts'
import { isKeyOf, readCertificates, readPrivateKey, readSecretFile, type FileResult } from './files.ts'
import type { Certificates } from './store/secureSocket.ts'
import type { DatabaseTarget } from './store/sql.ts'

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
const honoured = [
  'user',
  'password',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'currentSchema',
  'ApplicationName',
  'application_name',
]
const defaultApplicationName = 'orders'

const directForm = 'postgres://user:password@host:port/database, special characters percent-encoded'

type Address = { key: string; url: URL }

const parse = (key: string, text: string, pattern: RegExp, form: string, faults: string[]): Address | null => {
  try {
    if (!pattern.test(text)) throw new TypeError(form)
    const url = new URL(text.replace(pattern, 'postgres://'))
    if (url.hostname === '' || url.pathname.length < 2) throw new TypeError(form)
    // The driver decodes these, and throws where they cannot be.
    for (const part of [url.username, url.password, url.pathname]) decodeURIComponent(part)
    return { key, url }
  } catch {
    // The text may hold a password: say the form, not the value.
    faults.push(`${key} must have the form ${form}`)
    return null
  }
}

const readAddress = (env: Env, faults: string[]): Address | null => {
  const direct = given(env, 'DATABASE_URL')
  if (direct !== undefined) return parse('DATABASE_URL', direct, /^postgres(ql)?:\/\//, directForm, faults)
  const spring = given(env, 'SPRING_DATASOURCE_URL')
  if (spring !== undefined)
    return parse(
      'SPRING_DATASOURCE_URL',
      spring,
      /^jdbc:postgresql:\/\//,
      'jdbc:postgresql://host:port/database',
      faults,
    )
  faults.push('DATABASE_URL (or SPRING_DATASOURCE_URL) is required: postgres://user:password@host:port/database')
  return null
}

/** The password in a file; one that cannot be read is a fault. */
const filePassword = (env: Env, faults: string[]): string | undefined => {
  const path = given(env, 'DATABASE_PASSWORD_FILE')
  if (path === undefined) return undefined
  const file = readSecretFile(path)
  if (!file.ok) faults.push(`DATABASE_PASSWORD_FILE must be the path of a file with the password: ${file.reason}`)
  return file.ok ? file.text : undefined
}

/** Names and values go into a URL again, so they are encoded here. */
const credentials = (
  { key, url }: Address,
  { env, faults }: { env: Env; faults: string[] },
): { user: string; password: string } => {
  const spring = key === 'SPRING_DATASOURCE_URL'
  const user = (spring ? given(env, 'SPRING_DATASOURCE_USERNAME') : undefined) ?? url.searchParams.get('user')
  const password =
    filePassword(env, faults) ||
    (spring ? env['SPRING_DATASOURCE_PASSWORD'] : undefined) ||
    url.searchParams.get('password')
  return {
    user: user === null || user === undefined ? url.username : encodeURIComponent(user),
    password: password === null || password === undefined ? url.password : encodeURIComponent(password),
  }
}

type Encryption = Pick<DatabaseTarget, 'ssl' | 'certificates'>

/** The modes that cannot fall back to the clear. Anything about certificates would have no effect in the others. */
const encrypting = ['require', 'verify-ca', 'verify-full']

const readCertificateFiles = ({ key, url }: Address, faults: string[]): Certificates => {
  const read = (name: string, reader: (path: string) => FileResult): string | undefined => {
    const path = url.searchParams.get(name) || undefined
    if (path === undefined || (name === 'sslrootcert' && path === 'system')) return undefined
    const file = reader(path)
    if (!file.ok) faults.push(`${key}: ${name} must be the path of a PEM file: ${file.reason}`)
    return file.ok ? file.text : undefined
  }
  const before = faults.length
  const [ca, cert] = [read('sslrootcert', readCertificates), read('sslcert', readCertificates)]
  const own = read('sslkey', readPrivateKey)
  if (faults.length === before && (cert === undefined) !== (own === undefined))
    faults.push(`${key}: sslcert and sslkey go together`)
  else if (cert !== undefined && own !== undefined && !isKeyOf(own, cert))
    faults.push(`${key}: sslkey must be the key of sslcert`)
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && own !== undefined && { cert, key: own }) }
}

/** As libpq has it: `require` with a root certificate verifies as verify-ca does, `system` stands for what everybody trusts. */
const readEncryption = (address: Address, faults: string[]): Encryption => {
  const { key, url } = address
  const mode = url.searchParams.get('sslmode') ?? 'prefer'
  const ssl = sslModes.find((known) => known === mode)
  if (ssl === undefined) faults.push(`${key}: sslmode must be one of ${sslModes.join(', ')}`)
  const files = ['sslrootcert', 'sslcert', 'sslkey'].filter((name) => url.searchParams.get(name))
  if (ssl === undefined || (files.length === 0 && ssl !== 'verify-ca')) return { ssl: ssl ?? 'prefer' }
  if (!encrypting.includes(ssl)) {
    const needs = `sslmode=${encrypting.join(', ')}`
    faults.push(...files.map((name) => `${key}: ${name} has no effect with sslmode=${ssl}: it needs ${needs}`))
    return { ssl }
  }
  const root = url.searchParams.get('sslrootcert')
  if (root === 'system' && ssl !== 'verify-full') faults.push(`${key}: sslrootcert=system needs sslmode=verify-full`)
  if (!root && ssl === 'verify-ca') faults.push(`${key}: sslmode=verify-ca needs sslrootcert`)
  const certificates = readCertificateFiles(address, faults)
  return { ssl: ssl === 'require' && certificates.ca !== undefined ? 'verify-ca' : ssl, certificates }
}

export const readDatabaseTarget = (
  env: Env,
  faults: string[],
): { target: DatabaseTarget | null; warnings: string[] } => {
  const address = readAddress(env, faults)
  if (address === null) return { target: null, warnings: [] }
  const { searchParams } = address.url
  const encryption = readEncryption(address, faults)
  const { user, password } = credentials(address, { env, faults })
  if (user === '') faults.push(`${address.key} names no user`)
  const login = password === '' ? user : `${user}:${password}`
  const ignored = [...new Set(searchParams.keys())].filter((name) => !honoured.includes(name))
  return {
    target: {
      url: `postgres://${login}@${address.url.host}${address.url.pathname}`,
      ...encryption,
      applicationName:
        searchParams.get('ApplicationName') ?? searchParams.get('application_name') ?? defaultApplicationName,
      schema: searchParams.get('currentSchema') ?? undefined,
    },
    warnings: ignored.map((name) => `${address.key}: the parameter ${name} is not used`),
  }
}
