// Promises, for every test file: a limit of five minutes a test and a hook, and whatever servers the tests asked for are
// stopped after the last one. If the run is killed before that, the guard process (tests/stack/guard.ts) ends them.

import { plugin } from 'bun'
import { afterAll } from 'bun:test'
import { stopServers } from './servers.ts'

const hangsAfterMs = 300_000

afterAll(stopServers, hangsAfterMs)

// Bun's default of 5 s turns a busy machine into a red test. bunfig.toml has no key for it and `setDefaultTimeout`
// counts for one file only, so it is called in the first line of each (the line numbers stay).
const limit = `import { setDefaultTimeout as limitTests } from 'bun:test'; limitTests(${hangsAfterMs});`

plugin({
  name: 'test limit',
  setup(build) {
    build.onLoad({ filter: /\.test\.ts$/ }, async ({ path }) => ({
      loader: 'ts',
      contents: `${limit} ${await Bun.file(path).text()}`,
    }))
  },
})
