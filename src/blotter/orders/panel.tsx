// The orders, as they change.

import { EmptyState } from '../ui/emptyState.tsx'

export const OrdersPanel = () => (
  <EmptyState title="No orders yet">
    Place one with n, or with POST /orders: it appears here as it is accepted.
  </EmptyState>
)
