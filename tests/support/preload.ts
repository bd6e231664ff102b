// For every test file of a run: a limit of five minutes a test and a hook, and whatever servers the tests asked for are stopped after
// the last one. If the run is killed before that, the guard process (tests/stack/guard.ts) ends them.

import { afterAll, setDefaultTimeout } from 'bun:test'
import { plugin } from 'bun'
import { hangsAfterMs } from './hanging.ts'
import { stopServers } from './servers.ts'

afterAll(stopServers, hangsAfterMs)

// Bun's default of 5 s turns a busy machine into a red test. bunfig.toml has no key for it, and `setDefaultTimeout` counts for one file
// only: so it is called whenever a test file is about to be loaded. What the file is stays for Bun to find.
plugin({
  name: 'limits of tests',
  setup(build) {
    build.onResolve({ filter: /\.test\.ts$/ }, () => {
      setDefaultTimeout(hangsAfterMs)
      return undefined
    })
  },
})
