// Why an order ended.

/** Why an order ended. `code` is from an open list; `text` is for people. */
export type Reason = { code: string; text: string | null }

/** The codes of reasons that this version gives. `UNKNOWN`: somebody ended the order past the service. */
export const reasonCodes = [
  'USER_CANCELED',
  'MASS_CANCELED',
  'CANCEL_AFTER',
  'HALT',
  'EXPIRED_DAY',
  'EXPIRED_GTD',
  'EXPIRED_GTC',
  'REMAINDER',
  'ENGINE_CANCELED',
  'ENGINE_EXPIRED',
  'ENGINE_REJECTED',
  'HALTED',
  'UNKNOWN_TICKER',
  'TICK_SIZE',
  'LOT_SIZE',
  'QUANTITY_LIMIT',
  'NOTIONAL_LIMIT',
  'PRICE_BAND',
  'NOT_SUPPORTED_BY_ENGINE',
  'UNKNOWN',
] as const
