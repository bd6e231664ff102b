// The frame of the page: its tabs, who looks at it, and the panel that is open.

import { useEffect, useState } from 'preact/hooks'
import { panels } from './panels.ts'
import { openAccess, type Access } from './service/access.ts'
import type { Service } from './service/service.ts'
import type { Panel } from './ui/panel.ts'
import './styles/shell.css'

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

const useAccess = (service: Service): Access => {
  const [access, setAccess] = useState(openAccess)
  useEffect(
    () => service.onCredential((event) => setAccess({ kind: event === 'refused' ? 'needed' : 'given', scopes: null })),
    [service],
  )
  return access
}

const Tabs = ({ open }: { open: Panel }) => (
  <nav class="shell-tabs" aria-label="Panels">
    {panels.map(({ id, title, shortcut }) => (
      <a key={id} href={`#${id}`} aria-current={id === open.id ? 'page' : undefined} aria-keyshortcuts={shortcut}>
        {title}
      </a>
    ))}
  </nav>
)

export const Shell = ({ service }: { service: Service }) => {
  const open = useOpenPanel()
  const access = useAccess(service)
  const Component = open.component
  return (
    <>
      <header class="shell-head">
        <h1>Orders</h1>
        <Tabs open={open} />
        <a class="shell-docs" href="/docs">
          Docs
        </a>
      </header>
      <main class="shell-main" id={`panel-${open.id}`}>
        <Component service={service} access={access} />
      </main>
    </>
  )
}
