// `bun run browser` runs the tests in a real Chromium. Without one it says how to install it.

import { parseArgs } from 'node:util'
import { runCommand } from '../../src/build/command.ts'
import { inRepo, repoDir } from '../../src/build/repository.ts'
import { hold, release } from '../stack/guard.ts'
import { requireChromium } from './executable.ts'

const help = `bun run browser [FILE ...] [-t NAME]

Runs tests/browser in a headless Chromium (Debian: apt-get install chromium; or CHROMIUM=<path>) that reaches the
service alone. Pictures: .data/browser/. FILE: some of the files; -t: the tests whose name matches.`

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean' }, name: { type: 'string', short: 't' } },
    allowPositionals: true,
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  requireChromium()
  const files = positionals.length > 0 ? positionals : ['tests/browser']
  const name = values.name === undefined ? [] : ['-t', values.name]
  const child = Bun.spawn([process.execPath, 'test', ...name, ...files], {
    cwd: repoDir,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  hold(child.pid, 'SIGTERM')
  const exitCode = await child.exited
  release(child.pid)
  console.log(`pictures: ${inRepo('.data', 'browser')}`)
  return exitCode
}

await runCommand(main)
