// `bun run fix:python` runs the handbook's example in Python against the compiled service.

import { existsSync } from 'node:fs'
import { inRepo } from '../../../src/build/repository.ts'
import { runTool } from '../../stack/server.ts'
import { StackError } from '../../stack/stackError.ts'
import { runWithServers } from '../../support/runWithServers.ts'
import { runExample } from './examples.ts'

const version = '1.16.0.1rc1'
const folder = inRepo('.data', 'quickfix-python', version)

const run = async (command: string[], failure: string): Promise<void> => {
  const { exitCode, output } = await runTool(command)
  if (exitCode !== 0) throw new StackError('START_FAILED', `${failure}: ${output}`)
}

const install = async (): Promise<void> => {
  if (existsSync(`${folder}/installed`)) return
  if (Bun.which('python3') === null)
    throw new StackError('START_FAILED', 'python3 is missing: apt-get install python3-venv')
  await run(['python3', '-m', 'venv', folder], 'no virtual environment: apt-get install python3-venv')
  await run([`${folder}/bin/pip`, 'install', '--quiet', `quickfix-tls==${version}`], 'quickfix-tls was not installed')
  await Bun.write(`${folder}/installed`, '')
}

const main = async (): Promise<number> => {
  await install()
  const { exitCode, output, orders } = await runExample({
    language: 'python',
    file: 'desk.py',
    command: (path) => [`${folder}/bin/python`, path],
  })
  console.log(output)
  const [order] = orders
  const reported = output
    .split('\n')
    .some((line) => line.includes(`|37=${String(order?.['id'])}|`) && line.includes('|35=8|'))
  console.log(
    reported ? 'the order is there, and was reported' : `no order was reported; the service has ${orders.length}`,
  )
  return exitCode === 0 && reported ? 0 : 1
}

await runWithServers(main)
