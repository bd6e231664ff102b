// What the refusal of an order says of the requests before it.

/**
 * Codes of refusals that judge the order itself. After a request whose outcome is unknown only these, to one with the same key, say that it placed
 * nothing: any other (a credential that expired, a service that is overloaded) comes before the look at the key.
 */
export const orderJudgements: ReadonlySet<string> = new Set(['ORDER_REJECTED', 'IDEMPOTENCY_MISMATCH', 'VOIDED'])
