// Why a take-over, or the way back, is not begun.

/** Nothing was changed. The message says what to do. */
export class AdoptionRefused extends Error {
  override name = 'AdoptionRefused'
}
