// Why an order ended, or was refused when it came in.

/** `code`: of an open list, to decide by. `text`: for people. */
export type Reason = { code: string; text: string | null }

/** The codes that this version gives. `UNKNOWN`: somebody ended the order past the service. */
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
