// The frame of the page: its tabs, how the connection is, and the panel that is open.

import { useEffect, useState } from 'preact/hooks'
import type { Feed } from './feed/feed.ts'
import { panels } from './panels.ts'
import type { Service } from './service/service.ts'
import { SignedIn, SignIn } from './signin/signIn.tsx'
import { useSession } from './signin/useSession.ts'
import './styles/shell.css'
import { ConnectionLine, ConnectionState } from './ui/connectionState.tsx'
import { useKey } from './ui/keys.ts'
import type { Panel } from './ui/panel.ts'

const panelOfAddress = (): Panel => panels.find(({ id }) => `#${id}` === location.hash) ?? panels[0]

const useOpenPanel = (): Panel => {
  const [panel, setPanel] = useState(panelOfAddress)
  useEffect(() => {
    const follow = (): void => setPanel(panelOfAddress)
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return panel
}

const Tab = ({ panel: { id, title, shortcut }, isOpen }: { panel: Panel; isOpen: boolean }) => {
  useKey(shortcut, () => void (location.hash = id))
  return (
    <a href={`#${id}`} aria-current={isOpen ? 'page' : undefined} aria-keyshortcuts={shortcut}>
      {title}
    </a>
  )
}

export const Shell = ({ service, feed }: { service: Service; feed: Feed }) => {
  const open = useOpenPanel()
  const session = useSession(service)
  const Component = open.component
  return (
    <>
      <header class="shell-head">
        <h1>orders</h1>
        <nav class="shell-tabs" aria-label="Panels">
          {panels.map((panel) => (
            <Tab key={panel.id} panel={panel} isOpen={panel.id === open.id} />
          ))}
        </nav>
        <ConnectionState feed={feed} />
        <a class="shell-docs" href="/docs">
          Docs
        </a>
        <SignedIn session={session} />
      </header>
      <ConnectionLine feed={feed} />
      <main class="shell-main">
        {session.access.kind === 'needed' ? (
          <SignIn session={session} />
        ) : (
          <Component service={service} access={session.access} feed={feed} />
        )}
      </main>
    </>
  )
}
