// `bun run fuzz:openapi` lets Schemathesis, a fuzzer that knows nothing of this service but its OpenAPI document, loose on the
// compiled binary over a real Postgres and Kafka. It fails on a 5xx, an undocumented status, header or media type, an answer
// against its schema, or an unlawful request that is taken.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { inRepo } from '../../src/build/repository.ts'
import { hold, release } from '../stack/guard.ts'
import { StackError } from '../stack/stackError.ts'
import { runWithServers } from '../support/runWithServers.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'
import { createWorld } from '../support/world.ts'

const version = '4.32.5'
const help = `bun run fuzz:openapi [--examples 200] [--seed N] [--secured] [--java]

Points Schemathesis ${version} at /openapi.json of dist/orders; with --secured at one that asks who calls, with the key
of an administrator; with --java at one with JAVA_COMPATIBILITY. Needs Python 3 with venv (Debian: apt-get install
python3-venv); it is installed into .data/schemathesis. Its last line is the tool's own.`

const data = inRepo('.data')
const folder = join(data, 'schemathesis', version)
const tool = `${folder}/bin/schemathesis`

const run = async (command: string[], failure: string): Promise<void> => {
  const child = Bun.spawn(command, { cwd: data, stdio: ['ignore', 'inherit', 'inherit'], detached: true })
  hold(child.pid, 'SIGTERM')
  const exitCode = await child.exited
  release(child.pid)
  if (exitCode !== 0) throw new StackError('START_FAILED', failure)
}

const install = async (): Promise<void> => {
  if (existsSync(tool)) return
  if (Bun.which('python3') === null)
    throw new StackError('START_FAILED', 'python3 is missing: apt-get install python3-venv')
  await run(['python3', '-m', 'venv', folder], 'no virtual environment: apt-get install python3-venv')
  await run([`${folder}/bin/pip`, 'install', '--quiet', `schemathesis==${version}`], 'Schemathesis was not installed')
}

/**
 * All its checks but one: that every lawful request is taken. (schemathesis.toml has what else does not hold for single routes.) What no
 * schema can say (a key is one order's, a number has so many digits) is refused all the same; agreement.test.ts has the list, and holds everything else to the document.
 */
const argumentsOf = (url: string, examples: string, seed: string): string[] => {
  // All are on by default; naming them here would turn them on again where the file turns one off.
  const checks = ['--exclude-checks', 'positive_data_acceptance']
  const phases = ['--phases', 'examples,coverage,fuzzing,stateful', '--suppress-health-check', 'all']
  // A stream has no end that it could wait for.
  const endless = ['--exclude-operation-id', 'streamOrders']
  const bounds = ['--max-examples', examples, '--seed', seed, '--request-timeout', '10']
  return [
    '--config-file',
    inRepo('tests', 'contracts', 'schemathesis.toml'),
    'run',
    `${url}/openapi.json`,
    '--url',
    url,
    ...checks,
    ...phases,
    ...bounds,
    ...endless,
    '--continue-on-failure',
  ]
}

type Secured = { env: Record<string, string>; headers: string[] }

/** A service that asks who calls, and somebody who may do everything there. */
const secure = async (): Promise<Secured> => {
  const { out } = await runBinary(['api-key', '--subject', crypto.randomUUID(), '--scopes', 'orders:admin'])
  const lines = out.trim().split('\n')
  const path = join(temporaryDir('fuzz-openapi'), 'api-keys.jsonl')
  writeFileSync(path, `${lines.at(-1)}\n`)
  return { env: { AUTH_API_KEYS_FILE: path, AUTH_FAILURES_PER_SECOND: '0' }, headers: ['-H', `X-Api-Key: ${lines[0]}`] }
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      examples: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      secured: { type: 'boolean', default: false },
      java: { type: 'boolean', default: false },
    },
  })
  if (values.help === true) {
    console.log(help)
    return 0
  }
  // A folder that is not there yet is no place to run in.
  mkdirSync(data, { recursive: true })
  await install()
  await using world = await createWorld()
  const { env, headers } = values.secured ? await secure() : { env: {}, headers: [] }
  const java = values.java ? { JAVA_COMPATIBILITY: 'true' } : {}
  await using service = await world.start({ env: { ...env, ...java } })
  const args = [...argumentsOf(service.url, values.examples, values.seed), ...headers]
  await run([tool, ...args], 'Schemathesis found something')
  const bugs = service.log.filter(({ level }) => level === 'error')
  for (const bug of bugs) console.error(JSON.stringify(bug))
  return bugs.length === 0 ? 0 : 1
}

await runWithServers(main)
