// The script of the worker that tabs share: one stream for all of them, because a browser opens six connections to a host.

import { createHub } from './feed/hub.ts'
import { lineOver } from './feed/portLine.ts'
import { surroundings } from './feed/surroundings.ts'

const hub = createHub(surroundings)

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports
  hub.connect(lineOver(port!))
})
