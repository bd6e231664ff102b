// API keys for a service that asks for one.

import { join } from 'node:path'
import { temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'

export type ApiKey = { key: string; subject: string }

const lines = async (subject: string, scopes: string): Promise<[key: string, line: string]> => {
  const { out } = await runBinary(['api-key', '--subject', subject, '--scopes', scopes])
  const [key, line] = out.trim().split('\n')
  return [key!, line!]
}

/** One key for each list of scopes, of a user of its own; `env`: for the service. */
export const makeKeys = async <Name extends string>(
  scopes: Record<Name, string>,
): Promise<{ keys: Record<Name, ApiKey>; env: Record<string, string> }> => {
  const file = join(temporaryDir('keys'), 'api-keys.jsonl')
  const made = await Promise.all(
    Object.entries<string>(scopes).map(async ([name, list]) => {
      const subject = crypto.randomUUID()
      const [key, line] = await lines(subject, list)
      return { name, line, key: { key, subject } }
    }),
  )
  await Bun.write(file, made.map(({ line }) => `${line}\n`).join(''))
  const keys = Object.fromEntries(made.map(({ name, key }) => [name, key])) as Record<Name, ApiKey>
  return { keys, env: { AUTH_API_KEYS_FILE: file } }
}
