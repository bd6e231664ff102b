// `bun run fix:acceptance` runs QuickFIX's acceptance definitions for FIX 4.4 against the session layer, over real sockets.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Glob } from 'bun'
import { playDefinition } from './definition.ts'
import { suiteDictionary } from './dictionary.ts'
import { fetchSuite } from './fetch.ts'
import { startAcceptor } from './server.ts'

const help = `bun run fix:acceptance [--private-sources] [--only TEXT]

Fetches the source package quickfix through apt into .data/quickfix, once, and runs its definitions for FIX 4.4. Where source packages are off it
prints the line that turns them on; with --private-sources it has a list of its own in that folder, and the system's stays as it is.
--only: the definitions whose names contain this text. The last line is "N passed, N failed".`

const { values } = parseArgs({
  options: {
    'private-sources': { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}
const suite = await fetchSuite(values['private-sources'])
if (suite === null) process.exit(1)

const dictionary = suiteDictionary(await Bun.file(join(suite, 'spec', 'FIX44.xml')).text(), ['D', 'd'])
const folder = join(suite, 'test', 'definitions', 'server', 'fix44')
const names = [...new Glob('*.def').scanSync(folder)].toSorted().filter((name) => name.includes(values.only))

/** Each has a server of its own, so that they can wait at the same time. */
const play = async (name: string): Promise<string | null> => {
  const acceptor = startAcceptor(dictionary)
  try {
    await playDefinition(await Bun.file(join(folder, name)).text(), acceptor.port)
    return null
  } catch (error) {
    return (error as Error).message
  } finally {
    acceptor.stop()
  }
}
const results = await Promise.all(names.map(async (name) => ({ name, fault: await play(name) })))
const failed = results.filter(({ fault }) => fault !== null)
for (const { name, fault } of failed) console.log(`${name}: ${fault}`)
console.log(`${results.length - failed.length} passed, ${failed.length} failed`)
process.exit(failed.length > 0 || results.length === 0 ? 1 : 0)
