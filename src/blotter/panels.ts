// What the page is made of, in the order of its tabs.

import { DeskPanel } from './desk/panel.tsx'
import { OrdersPanel } from './orders/panel.tsx'
import type { Panel } from './ui/panel.ts'
import { VitalsPanel } from './vitals/panel.tsx'

export const panels: readonly [Panel, ...Panel[]] = [
  { id: 'orders', title: 'Orders', component: OrdersPanel, shortcut: '1' },
  { id: 'vitals', title: 'Vital signs', component: VitalsPanel, shortcut: '2' },
  { id: 'desk', title: 'Desk', component: DeskPanel, shortcut: '3' },
]
