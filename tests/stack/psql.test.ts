// Proves: the built-in SQL prompt runs statements from its arguments and its input, prints what Postgres wrote, and goes on after
// an error.

import { expect, test } from 'bun:test'
import { inRepo } from '../../src/build/repository.ts'
import { postgresServer } from '../support/servers.ts'

const psql = async (args: string[], input = ''): Promise<{ exitCode: number; out: string; err: string }> => {
  const { url } = await postgresServer()
  const command = [process.execPath, inRepo('tests', 'stack', 'psql.ts'), '--builtin', ...args]
  const stdio = [new Blob([input]), 'pipe', 'pipe'] as [Blob, 'pipe', 'pipe']
  const child = Bun.spawn(command, { stdio, env: { ...process.env, DATABASE_URL: url } })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { exitCode: await child.exited, out, err }
}

test('-c runs a statement and prints what Postgres wrote', async () => {
  const { exitCode, out } = await psql(['-c', `select 1.50::numeric as amount, true as t, null as nothing`])
  expect(exitCode).toBe(0)
  expect(out).toBe([' amount | t | nothing', '--------+---+---------', '   1.50 | t |', '(1 row)', ''].join('\n'))
})

test('stdin is read statement by statement, over many lines, in one session', async () => {
  const script = `create temp table t (n int);\ninsert into t\nvalues (1), (2);\nselect n from t\nwhere n > 1;\n\\d t\n`
  const { exitCode, out } = await psql([], script)
  expect(exitCode).toBe(0)
  expect(out).toStartWith('CREATE TABLE\nINSERT 0 2\n')
  expect(out).toContain(' 2\n(1 row)')
  expect(out).toContain('integer')
})

test('an error names its place, the rest still runs, the exit code is 1', async () => {
  const { exitCode, out, err } = await psql([], 'select nope;\nselect 7 as n;')
  expect(exitCode).toBe(1)
  expect(err).toContain('column "nope" does not exist')
  expect(err).toContain('LINE 1: select nope\n               ^')
  expect(out).toContain('7')
})
