// Proves: loading the Kafka library compiles no validator, which would be half of the processor time of a start.

import { expect, test } from 'bun:test'
import { join } from 'node:path'

const inSrc = (name: string): string => join(import.meta.dir, '..', '..', 'src', 'kafka', name)

/** Prints what the library's validators are called: those that were compiled are called validate and a number. */
const script = `
  await import(${JSON.stringify(inSrc('library.ts'))})
  const exports = Object.entries(await import(Bun.resolveSync('@platformatic/kafka', ${JSON.stringify(inSrc('.'))})))
  console.log(JSON.stringify(exports.filter(([name]) => name.endsWith('Validator')).map(([name, { name: own }]) => [name, own])))`

test('loading the library compiles no validator', () => {
  // A process of its own, because the library may be loaded here already.
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, '-e', script])
  expect({ exitCode, stderr: String(stderr) }).toEqual({ exitCode: 0, stderr: '' })
  const validators = JSON.parse(String(stdout)) as [string, string][]
  expect(validators.map(([name]) => name)).toContain('groupIdAndOptionsValidator')
  expect(validators.filter(([, own]) => own.startsWith('validate'))).toEqual([])
})
