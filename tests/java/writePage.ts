// The second half of `bun run docs`: writes the table of differences from the Java service into the handbook. Its data are tests, so nothing
// of src/ may import them.

import { runCommand } from '../../src/build/command.ts'
import { inRepo } from '../../src/build/repository.ts'
import { pagePath, withParity } from './page.ts'

await runCommand(async () => {
  const file = Bun.file(inRepo(pagePath))
  const page = await file.text()
  const fresh = withParity(page)
  if (fresh !== page) await file.write(fresh)
  console.log(`${pagePath}: ${fresh === page ? 'as it was' : 'written'}`)
  return 0
})
