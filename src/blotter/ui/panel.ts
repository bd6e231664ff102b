// What every panel is given, and what the page has to know of it.

import type { ComponentType } from 'preact'
import type { Feed } from '../feed/feed.ts'
import type { Access } from '../service/access.ts'
import type { Service } from '../service/service.ts'

export type PanelProps = { readonly service: Service; readonly access: Access; readonly feed: Feed }

/** `id`: also its part of the address, as in `/#orders`. `shortcut`: the key that opens it. */
export type Panel = {
  readonly id: string
  readonly title: string
  readonly component: ComponentType<PanelProps>
  readonly shortcut: string
}
