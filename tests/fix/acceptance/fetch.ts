// Fetches QuickFIX's source package through apt into a folder that git ignores. The system's own lists are never edited.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Glob } from 'bun'
import { inRepo } from '../../../src/build/repository.ts'

const folder = inRepo('.data', 'quickfix')

const run = async (command: string[]): Promise<{ ok: boolean; text: string }> => {
  const child = Bun.spawn(command, { cwd: folder, stdout: 'pipe', stderr: 'pipe' })
  const [out, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { ok: (await child.exited) === 0, text: out + errors }
}

/** The line of a list that names the sources of the archive that has the library's packages. */
const sourceLine = async (): Promise<string | null> => {
  const { text } = await run(['apt-cache', 'policy', 'libquickfix-dev'])
  const [, address, suite, component] = /\d+ (https?:\S+) ([^\s/]+)\/(\S+) /.exec(text) ?? []
  return address === undefined ? null : `deb-src ${address} ${suite} ${component}`
}

const privateOptions = (line: string): string[] => {
  const own = join(folder, 'apt')
  for (const part of ['lists/partial', 'cache/archives/partial', 'sources'])
    mkdirSync(join(own, part), { recursive: true })
  writeFileSync(join(own, 'sources', 'quickfix.list'), `${line}\n`)
  const options = {
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': join(own, 'sources'),
    'Dir::State::lists': join(own, 'lists'),
    'Dir::Cache': join(own, 'cache'),
  }
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

const unpacked = (): string | null => {
  const [name] = [...new Glob('quickfix-*/spec/FIX44.xml').scanSync(folder)]
  return name === undefined ? null : join(folder, name, '..', '..')
}

/** The folder of the sources, or null after saying what is missing. */
export const fetchSuite = async (isPrivate: boolean): Promise<string | null> => {
  mkdirSync(folder, { recursive: true })
  if (unpacked() !== null) return unpacked()
  const line = Bun.which('apt-get') === null ? null : await sourceLine()
  if (line === null) {
    console.log(
      'The definitions come from the Debian source package quickfix: this needs apt-get, and lists that know libquickfix-dev (apt-get update).',
    )
    return null
  }
  const options = isPrivate ? privateOptions(line) : []
  if (isPrivate) await run(['apt-get', ...options, 'update'])
  const fetched = await run(['apt-get', ...options, 'source', '--download-only', 'quickfix'])
  if (!fetched.ok) {
    console.log(
      `${fetched.text.trim()}\n\nSource packages are off or not known. This line turns them on, then apt-get update:\n\n  ${line}\n\nOr leave the system as it is: bun run fix:acceptance --private-sources`,
    )
    return null
  }
  const [archive] = [...new Glob('quickfix_*.orig.tar.*').scanSync(folder)]
  if (archive === undefined || !existsSync(join(folder, archive))) return null
  await run(['tar', 'xf', archive])
  return unpacked()
}
