// The address of the database: DATABASE_URL, or the Spring keys of an existing deployment. Whatever it was given as, it becomes
// one URL without parameters, and the few parameters that are honoured.

import { given, type Env } from './env.ts'
import type { DatabaseTarget } from './store/sql.ts'

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
const honoured = ['user', 'password', 'sslmode', 'currentSchema', 'ApplicationName', 'application_name']
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

/** Names and values go into a URL again, so they are encoded here. */
const credentials = ({ key, url }: Address, env: Env): { user: string; password: string } => {
  const spring = key === 'SPRING_DATASOURCE_URL'
  const user = (spring ? given(env, 'SPRING_DATASOURCE_USERNAME') : undefined) ?? url.searchParams.get('user')
  const password = (spring ? env['SPRING_DATASOURCE_PASSWORD'] : undefined) || url.searchParams.get('password')
  return {
    user: user === null || user === undefined ? url.username : encodeURIComponent(user),
    password: password === null || password === undefined ? url.password : encodeURIComponent(password),
  }
}

export const readDatabaseTarget = (
  env: Env,
  faults: string[],
): { target: DatabaseTarget | null; warnings: string[] } => {
  const address = readAddress(env, faults)
  if (address === null) return { target: null, warnings: [] }
  const { searchParams } = address.url
  const sslText = searchParams.get('sslmode') ?? 'prefer'
  const ssl = sslModes.find((mode) => mode === sslText)
  if (ssl === undefined) faults.push(`${address.key}: sslmode must be one of ${sslModes.join(', ')}`)
  const { user, password } = credentials(address, env)
  if (user === '') faults.push(`${address.key} names no user`)
  const login = password === '' ? user : `${user}:${password}`
  const ignored = [...new Set(searchParams.keys())].filter((name) => !honoured.includes(name))
  return {
    target: {
      url: `postgres://${login}@${address.url.host}${address.url.pathname}`,
      ssl: ssl ?? 'prefer',
      applicationName:
        searchParams.get('ApplicationName') ?? searchParams.get('application_name') ?? defaultApplicationName,
      schema: searchParams.get('currentSchema') ?? undefined,
    },
    warnings: ignored.map((name) => `${address.key}: the parameter ${name} is not used`),
  }
}
