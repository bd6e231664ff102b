// Proves: the example of the handbook for QuickFIX/J places an order by FIX and prints its report, with the packages that the page names.
// That for Python needs packages that a check does not install: `bun run fix:python`.

import { findJava } from '../../stack/kafkaJars.ts'
import { expect, test } from '../../support/explained.ts'
import { quickfixjArtifacts, quickfixjClassPath } from '../client/quickfixj.ts'
import { blockOf, runExample } from './examples.ts'

test('the Java example places an order and prints what is reported', async () => {
  const { exitCode, output, orders } = await runExample({
    language: 'java',
    file: 'Desk.java',
    command: async (path) => [findJava(), '-cp', await quickfixjClassPath(), path],
  })
  expect(orders).toMatchObject([{ ticker: 'AAPL', side: 'SELL', quantity: 100, price: 150.5, status: 'NEW' }])
  const { id, clientOrderId } = orders[0]!
  const report = output.split('\n').find((line) => line.startsWith('8=FIX.4.4|') && line.includes('|35=8|'))
  for (const field of [`37=${String(id)}`, `11=${String(clientOrderId)}`, '150=0', '39=0', '151=100'])
    expect(report?.split('|')).toContain(field)
  expect(exitCode).toBe(0)
})

test('the packages of the page are those that the tests use', async () => {
  const named = [
    ...(await blockOf('xml')).matchAll(
      /<groupId>(.*?)<\/groupId><artifactId>(.*?)<\/artifactId><version>(.*?)<\/version>/g,
    ),
  ].map(([, group, name, version]) => [group!, name!, version!] as const)
  expect(named).toEqual([...quickfixjArtifacts])
})
