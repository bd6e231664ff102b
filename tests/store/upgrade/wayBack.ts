// The way back to an older version, as the handbook tells an operator to go it.

import { inRepo } from '../../../src/build/repository.ts'

const handbook = await Bun.file(inRepo('src', 'handbook', 'operating.md')).text()
const section = handbook.slice(handbook.indexOf('**Back to 1.4.**'), handbook.indexOf('Forward again:'))

/** The statements of the owner, in order, back to before the schema file whose number is `first`: each runs by itself. */
export const wayBackBefore = (first: string): string[] => {
  const statements = [...section.matchAll(/psql "\$OWNER_URL" -c "([^"]*)"/g)].map(([, statement]) => statement!)
  if (statements.length !== 3) throw new Error('the handbook has other statements for the way back')
  return statements.map((statement) => statement.replace("name >= '0019'", `name >= '${first}'`))
}
