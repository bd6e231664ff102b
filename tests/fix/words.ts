// The words of FIX that the matrices are written in, and the short forms in which a row says them.

export type OrdStatus =
  | 'New'
  | 'PartiallyFilled'
  | 'Filled'
  | 'DoneForDay'
  | 'Canceled'
  | 'PendingCancel'
  | 'Stopped'
  | 'Rejected'
  | 'Suspended'
  | 'Expired'
  | 'PendingReplace'

export type ExecType =
  | 'New'
  | 'DoneForDay'
  | 'Canceled'
  | 'Replaced'
  | 'PendingCancel'
  | 'Stopped'
  | 'Rejected'
  | 'Suspended'
  | 'Expired'
  | 'Restated'
  | 'PendingReplace'
  | 'Trade'
  | 'TradeCorrect'
  | 'TradeCancel'
  | 'OrderStatus'
  | 'Triggered'

/** A ClOrdID as the matrices write it: X is the order's, Y and Z those of requests; in F.1.b Y is another order. */
export type ClOrdId = 'X' | 'Y' | 'Z'

/** Rows that name no time in force are good till canceled, so that no close comes between. */
export type NewOrderSingle = {
  message: 'NewOrderSingle'
  clOrdId: ClOrdId
  orderQty: number
  /** L.1.b alone: an amount of money instead of a quantity. */
  cashOrderQty?: number
  timeInForce?: 'Day' | 'GoodTillCancel' | 'ImmediateOrCancel' | 'FillOrKill' | 'GoodTillDate'
  /** Of a stop order; a limit order has none. */
  stopPx?: number
  execInst?: 'ParticipateDontInitiate'
  possResend?: true
}
export type OrderCancelRequest = { message: 'OrderCancelRequest'; clOrdId: ClOrdId; origClOrdId: ClOrdId }
type OrderCancelReplaceRequest = {
  message: 'OrderCancelReplaceRequest'
  clOrdId: ClOrdId
  origClOrdId: ClOrdId
  orderQty: number
}
export type OrderStatusRequest = { message: 'OrderStatusRequest'; clOrdId: ClOrdId }

/** `lastQty: null`: FIX does not ask for it. `optional`: FIX leaves it to the sell side whether it is sent. */
export type ExecutionReport = {
  message: 'ExecutionReport'
  execType: ExecType
  ordStatus: OrdStatus
  orderQty: number
  cumQty: number
  leavesQty: number
  lastQty: number | null
  clOrdId: ClOrdId
  origClOrdId?: ClOrdId
  lastPx?: number
  avgPx?: number
  /** 6 duplicate order, 7 duplicate of a verbal order, 11 unsupported characteristic. */
  ordRejReason?: 6 | 7 | 11
  /** 0 corporate action, 1 renewal, 2 verbal change, 5 partial decline, 6 cancel on trading halt. */
  execRestatementReason?: 0 | 1 | 2 | 5 | 6
  orderId?: 'NONE'
  optional?: true
}
/** 0 too late to cancel, 1 unknown order, 3 already pending; null: the page names none. */
export type OrderCancelReject = {
  message: 'OrderCancelReject'
  clOrdId: ClOrdId
  origClOrdId: ClOrdId
  ordStatus: OrdStatus
  cxlRejReason: 0 | 1 | 3 | null
  orderId?: 'NONE'
}

/** What happens outside the session. */
type Happening = { message: 'Note'; what: string }

export type Step =
  | NewOrderSingle
  | OrderCancelRequest
  | OrderCancelReplaceRequest
  | OrderStatusRequest
  | ExecutionReport
  | OrderCancelReject
  | Happening

/** 35=D of the order X. */
export const D = (
  orderQty: number,
  more: Partial<Omit<NewOrderSingle, 'message' | 'orderQty'>> = {},
): NewOrderSingle => ({
  message: 'NewOrderSingle',
  clOrdId: 'X',
  orderQty,
  ...more,
})
/** 35=F. */
export const F = (clOrdId: ClOrdId, origClOrdId: ClOrdId): OrderCancelRequest => ({
  message: 'OrderCancelRequest',
  clOrdId,
  origClOrdId,
})
/** 35=G. */
export const G = (clOrdId: ClOrdId, origClOrdId: ClOrdId, orderQty: number): OrderCancelReplaceRequest => ({
  message: 'OrderCancelReplaceRequest',
  clOrdId,
  origClOrdId,
  orderQty,
})
/** 35=H. */
export const H = (clOrdId: ClOrdId): OrderStatusRequest => ({ message: 'OrderStatusRequest', clOrdId })
export const note = (what: string): Happening => ({ message: 'Note', what })

type Amounts = readonly [orderQty: number, cumQty: number, leavesQty: number, lastQty: number | null]
type More = Partial<Omit<ExecutionReport, 'message' | 'execType' | 'ordStatus'>>

/** 35=8, in the columns of the matrices: ExecType, OrdStatus, OrderQty, CumQty, LeavesQty, LastQty. */
export const report = (
  execType: ExecType,
  ordStatus: OrdStatus,
  [orderQty, cumQty, leavesQty, lastQty]: Amounts,
  more: More = {},
): ExecutionReport => ({
  message: 'ExecutionReport',
  execType,
  ordStatus,
  orderQty,
  cumQty,
  leavesQty,
  lastQty,
  clOrdId: 'X',
  ...more,
})
/** The order was accepted. */
export const accepted = (orderQty: number): ExecutionReport => report('New', 'New', [orderQty, 0, orderQty, 0])
/** A fill; `ordStatus` where the page shows another than the amounts do. */
export const trade = (amounts: Amounts, ordStatus?: OrdStatus, more: More = {}): ExecutionReport =>
  report('Trade', ordStatus ?? (amounts[2] === 0 ? 'Filled' : 'PartiallyFilled'), amounts, more)
/** A report that answers the request (clOrdId, origClOrdId). */
export const YX = { clOrdId: 'Y', origClOrdId: 'X' } as const
export const ZY = { clOrdId: 'Z', origClOrdId: 'Y' } as const
export const ZX = { clOrdId: 'Z', origClOrdId: 'X' } as const

/** 35=9. */
export const cancelReject = (
  ids: typeof YX | typeof ZX,
  ordStatus: OrdStatus,
  cxlRejReason: OrderCancelReject['cxlRejReason'] = null,
  more: { orderId?: 'NONE' } = {},
): OrderCancelReject => ({ message: 'OrderCancelReject', ...ids, ordStatus, cxlRejReason, ...more })
