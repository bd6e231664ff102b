// Why an order ended.

/** Why an order ended. `code` is from an open list; `text` is for people. */
export type Reason = { code: string; text: string | null }

/** The codes of reasons that this version gives. `UNKNOWN`: somebody ended the order past the service. */
export const reasonCodes = [
  'USER_CANCELED',
  'EXPIRED_DAY',
  'EXPIRED_GTD',
  'EXPIRED_GTC',
  'REMAINDER',
  'ENGINE_CANCELED',
  'ENGINE_EXPIRED',
  'ENGINE_REJECTED',
  'NOT_SUPPORTED_BY_ENGINE',
  'UNKNOWN',
] as const
