// Proves: a subcommand that is process 1 of a container ends by a signal; any other process ends as it always did.

import { expect, test } from 'bun:test'
import { join } from 'node:path'

const file = join(import.meta.dir, '..', '..', 'src', 'commands', 'firstProcess.ts')

test.each([
  [1, 'SIGTERM', { exitCode: 143, signalCode: null }],
  [1, 'SIGINT', { exitCode: 130, signalCode: null }],
  [2, 'SIGTERM', { exitCode: null, signalCode: 'SIGTERM' }],
] as const)('process %d on %s', async (pid, signal, ended) => {
  const text = `const { endBySignal } = await import('${file}'); endBySignal(${pid}); console.log('ready'); await Bun.sleep(60_000)`
  const child = Bun.spawn([process.execPath, '-e', text], { stdout: 'pipe' })
  await child.stdout.getReader().read()
  child.kill(signal)
  await child.exited
  const { exitCode, signalCode } = child
  expect({ exitCode, signalCode }).toEqual(ended)
})
