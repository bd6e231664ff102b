// `bun run fix:acceptance` runs QuickFIX's acceptance definitions for FIX 4.4 against the session layer, over real sockets; with --gateway against
// the compiled service.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Glob } from 'bun'
import { runWithServers } from '../../support/runWithServers.ts'
import { playDefinition, type Manner } from './definition.ts'
import { suiteDictionary } from './dictionary.ts'
import { fetchSuite } from './fetch.ts'
import { exceptions, startGateway } from './gateway.ts'
import { startAcceptor } from './server.ts'

const help = `bun run fix:acceptance [--private-sources] [--gateway] [--only TEXT]

Fetches the source package quickfix through apt into .data/quickfix, once, and runs its definitions for FIX 4.4. Where source packages are off it
prints the line that turns them on; with --private-sources it has a list of its own in that folder, and the system's stays as it is.
--gateway: against the compiled service with Postgres and Kafka, one definition after the other.
--only: the definitions whose names contain this text. The last line is "N passed, N failed".`

type Result = { name: string; fault: string | null }

const playFile = async (folder: string, name: string, port: number, manner?: Manner): Promise<Result> => {
  const text = await Bun.file(join(folder, name)).text()
  return playDefinition(text, port, manner).then(
    () => ({ name, fault: null }),
    (error: unknown) => ({ name, fault: (error as Error).message }),
  )
}

/** Each has a server of its own, so that they can wait at the same time. */
const playOnSession = async (suite: string, folder: string, names: readonly string[]): Promise<Result[]> => {
  const dictionary = suiteDictionary(await Bun.file(join(suite, 'spec', 'FIX44.xml')).text(), ['D', 'd'])
  return Promise.all(
    names.map(async (name) => {
      const acceptor = startAcceptor(dictionary)
      const result = await playFile(folder, name, acceptor.port)
      acceptor.stop()
      return result
    }),
  )
}

/** They share one session, as they have one name. */
const playOnGateway = async (folder: string, names: readonly string[]): Promise<Result[]> => {
  const gateway = await startGateway()
  const results: Result[] = []
  for (const name of names) results.push(await playFile(folder, name, gateway.port, gateway.manner))
  await gateway.stop()
  return results
}

const say = (results: readonly Result[], known: Readonly<Record<string, string>>): number => {
  const failed = results.filter(({ name, fault }) => fault !== null && known[name] === undefined)
  const excepted = results.filter(({ name, fault }) => fault !== null && known[name] !== undefined)
  const better = results.filter(({ name, fault }) => fault === null && known[name] !== undefined)
  for (const { name, fault } of failed) console.log(`${name}: ${fault}`)
  for (const { name, fault } of excepted) console.log(`${name}, an exception: ${known[name]} (${fault})`)
  for (const { name } of better) console.log(`${name} passes: it is no exception any more`)
  const passed = results.length - failed.length - excepted.length
  console.log(
    `${passed} passed, ${failed.length} failed${excepted.length > 0 ? `, ${excepted.length} exceptions` : ''}`,
  )
  return failed.length + better.length > 0 || results.length === 0 ? 1 : 0
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      'private-sources': { type: 'boolean', default: false },
      gateway: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const suite = await fetchSuite(values['private-sources'])
  if (suite === null) return 1
  const folder = join(suite, 'test', 'definitions', 'server', 'fix44')
  const names = [...new Glob('*.def').scanSync(folder)].toSorted().filter((name) => name.includes(values.only))
  return values.gateway
    ? say(await playOnGateway(folder, names), exceptions)
    : say(await playOnSession(suite, folder, names), {})
}

await runWithServers(main)
