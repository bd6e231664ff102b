// What the page is made of, in the order of its tabs.

import { OrdersPanel } from './orders/panel.tsx'
import type { Panel } from './ui/panel.ts'

export const panels: readonly [Panel, ...Panel[]] = [
  { id: 'orders', title: 'Orders', component: OrdersPanel, shortcut: '1' },
]
