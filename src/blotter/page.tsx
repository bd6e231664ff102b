// The page's script: makes what the panels share, and draws the shell into the document.

import { render } from 'preact'
import './styles/tokens.css'
import './styles/base.css'
import { createFeed } from './feed/feed.ts'
import { openLine } from './feed/line.ts'
import { createService } from './service/service.ts'
import { Shell } from './shell.tsx'

const service = createService((path, init) => fetch(path, init))
const line = openLine()
const feed = createFeed(service, line)

// The lock is free once this tab is gone, however it ends.
const lock = `orders-tab-${Math.random().toString(36).slice(2)}`
const { locks } = navigator as Partial<Navigator>
if (locks !== undefined) {
  void locks.request(lock, () => new Promise(() => undefined))
  line.send({ kind: 'hold', lock })
}
addEventListener('pagehide', () => feed.leave())
// A page that comes back from the browser's cache.
addEventListener('pageshow', ({ persisted }) => persisted && feed.join())
service.onCredential((event) => event === 'changed' && feed.join())
feed.join()

render(<Shell service={service} feed={feed} />, document.getElementById('page')!)
