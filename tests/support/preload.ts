// Promises, for every test file: a limit of five minutes a test and a hook, the log of its services where a test fails, and whatever
// servers the tests asked for are stopped after the last one. If the run is killed before that, the guard process
// (tests/stack/guard.ts) ends them.

import { plugin } from 'bun'
import { afterAll } from 'bun:test'
import { hangsAfterMs } from './hanging.ts'
import { stopServers } from './servers.ts'

afterAll(stopServers, hangsAfterMs)

// Bun's default of 5 s turns a busy machine into a red test. bunfig.toml has no key for it and `setDefaultTimeout`
// counts for one file only, so it is called in the first line of each (the line numbers stay).
const limit = `import { setDefaultTimeout as limitTests } from 'bun:test'; limitTests(${hangsAfterMs});`

const startsServices = /from '.*\/support\/(?:service|world)\.ts'/
const explained = JSON.stringify(Bun.fileURLToPath(import.meta.resolve('./explained.ts')))

/** What a test file imports from bun:test comes from explained.ts, where it has services to explain. */
const prepared = (source: string): string =>
  `${limit} ${startsServices.test(source) ? source.replace(`from 'bun:test'`, `from ${explained}`) : source}`

plugin({
  name: 'limits and explanations',
  setup(build) {
    build.onLoad({ filter: /\.test\.ts$/ }, async ({ path }) => ({
      loader: 'ts',
      contents: prepared(await Bun.file(path).text()),
    }))
  },
})
