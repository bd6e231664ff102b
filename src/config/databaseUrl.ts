// The address of the database: DATABASE_URL, or the Spring keys of an existing deployment. Both become one URL without parameters,
// and the few parameters that take effect.

import type { DatabaseTarget, Server } from '../store/connection.ts'
import { readAddress, type Address } from './databaseAddress.ts'
import { judgeParameters } from './databaseParameters.ts'
import { readEncryption } from './databaseTls.ts'
import { variable, verbatim, type Env } from './env.ts'
import { readSecretFile } from './files.ts'
import { rereading } from './liveFiles.ts'

const defaultApplicationName = 'orders'

/** The password in a file, read anew at each call. A file that cannot be read is a fault. */
const filePassword = (env: Env, faults: string[]): (() => string) | undefined => {
  const path = variable(env, 'DATABASE_PASSWORD_FILE')
  if (path === undefined) return undefined
  const file = readSecretFile(path)
  if (file.ok) return rereading(file.text, () => readSecretFile(path))
  faults.push(`DATABASE_PASSWORD_FILE must be the path of a file with the password: ${file.reason}`)
  return undefined
}

const springPassword = (env: Env, faults: string[]): string | undefined => {
  const password = verbatim(env, 'SPRING_DATASOURCE_PASSWORD')
  if (password !== undefined && /\p{Cc}/u.test(password))
    faults.push('SPRING_DATASOURCE_PASSWORD must be one line of text')
  return password
}

type Source = { env: Env; faults: string[]; inFile: string | undefined }

/** `user:password`, percent-encoded for a URL. `inFile`: the password, if it is in a file. */
const readLogin = ({ key, parameters, ...address }: Address, { env, faults, inFile }: Source): string => {
  const spring = key === 'SPRING_DATASOURCE_URL'
  const user =
    (spring ? variable(env, 'SPRING_DATASOURCE_USERNAME') : undefined) ?? parameters.get('user') ?? address.user
  const password =
    inFile || (spring ? springPassword(env, faults) : undefined) || (parameters.get('password') ?? address.password)
  if (user === '') faults.push(`${key} names no user`)
  return [user, ...(password === '' ? [] : [password])].map(encodeURIComponent).join(':')
}

/** The names that JDBC and libpq have for any server, and for one that takes writes. This service has no use for a server that takes none. */
const anyServer = ['any', 'preferPrimary']
const writableServer = ['primary', 'master', 'read-write']

/** @returns the servers to look for the writable one in; undefined for a single server that need not be writable */
const readChoices = ({ key, parameters, servers }: Address, faults: string[]): readonly Server[] | undefined => {
  const names = (['targetServerType', 'target_session_attrs'] as const).filter((name) => parameters.get(name))
  for (const name of names)
    if (![...anyServer, ...writableServer].includes(parameters.get(name)!))
      faults.push(`${key}: ${name} must be primary: this service writes`)
  const writable = names.some((name) => writableServer.includes(parameters.get(name)!))
  return servers.length > 1 || writable ? servers : undefined
}

const textOf = ({ host, port }: Server): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** Reads the address and everything that belongs to it. No fault and no warning contains a password. */
export const readDatabaseTarget = (
  env: Env,
  faults: string[],
): { target: DatabaseTarget | null; warnings: string[] } => {
  const address = readAddress(env, faults)
  if (address === null) return { target: null, warnings: [] }
  const { parameters, servers, database } = address
  const encryption = readEncryption(address, faults)
  const password = filePassword(env, faults)
  const login = readLogin(address, { env, faults, inFile: password?.() })
  const choices = readChoices(address, faults)
  const warnings = judgeParameters(address, faults)
  const options = parameters.get('options')
  return {
    target: {
      url: `postgres://${login}@${textOf(servers[0])}/${encodeURIComponent(database)}`,
      ...(password !== undefined && { password }),
      ...(choices !== undefined && { choices }),
      ...encryption,
      applicationName:
        parameters.get('ApplicationName') ?? parameters.get('application_name') ?? defaultApplicationName,
      schema: parameters.get('currentSchema') || undefined,
      ...(options && { options }),
    },
    warnings,
  }
}
