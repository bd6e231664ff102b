// What stands where there is nothing to show: what it would be, and how it comes about.

import type { ComponentChildren } from 'preact'
import './emptyState.css'

export const EmptyState = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty-state">
    <h2>{title}</h2>
    <p>{children}</p>
  </div>
)
