// Proves: the table of scopes in the handbook has every route of the service, each in the row of what it asks of a caller.

import { expect, test } from 'bun:test'
import { inRepo } from '../../src/build/repository.ts'
import { operations } from '../../src/http/contract/operations.ts'

/** The rows of the table: `GET /orders` and so on, and what the second column begins with. A path without a method has that of the one before it. */
const routesOf = (markdown: string): string[] => {
  const table = markdown.slice(markdown.indexOf('| route | scope |'))
  const rows = table.slice(0, table.indexOf('\n\n')).split('\n').slice(2)
  return rows.flatMap((row) => {
    const [, routes = '', scope = ''] = row.split('|')
    const needed = /orders:\w+/.exec(scope)?.[0] ?? 'open'
    let method = 'none'
    return [...routes.matchAll(/`(?:([A-Z]+) )?(\/[^`]*)`/g)].map(([, ownMethod, path]) => {
      method = ownMethod ?? method
      return `${method} ${path} ${needed}`
    })
  })
}

test('the table of scopes is that of the routes', async () => {
  const page = await Bun.file(inRepo('src', 'handbook', 'security.md')).text()
  const declared = Object.values(operations).map(({ method, path, access }) => `${method} ${path} ${access}`)
  expect(routesOf(page).toSorted()).toEqual(declared.toSorted())
})
