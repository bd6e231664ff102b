// Finds the legs that the consumer has passed and that left no trace: a ledger row or an exception with their content, or a dead letter.

import { formatAmount, type Amount } from '../domain/decimal.ts'
import type { Side } from '../domain/terms.ts'
import { textArray, type Sql } from '../store/sql.ts'

/** One leg of a message; a message that cannot be decoded counts as one leg without an order. */
export type TopicLeg = {
  /** The id that a dead letter of its message carries. */
  letterId: string
  /** How the letter names this leg; null if that name may be cut or changed: then any letter of the message will do. */
  letterLeg: string | null
  /** Null if it is not a UUID, or if nothing could be decoded. */
  orderId: string | null
  tradeId: string
  side: Side | null
  ticker: string
  quantity: Amount
  price: Amount
  /** True if only a dead letter will do, whatever the configuration says about unknown orders. */
  needsLetter: boolean
}

/** `recorded`: what the ledger has for this order and trade instead; null if nothing. */
export type Untraced = { index: number; orderExists: boolean; recorded: string | null }

/** Stores one row per leg that a letter names. A letter that names no leg is about the whole message, and gets one row with an empty `leg`. */
export const storeLetters = async (sql: Sql, letters: readonly { id: string; leg: string }[]): Promise<void> => {
  await sql`
    insert into verify_letters (id, leg)
    select i.id, i.leg
    from unnest(${textArray(letters.map(({ id }) => id))}::text[], ${textArray(letters.map(({ leg }) => leg))}::text[]) as i (id, leg)
    on conflict do nothing`
}

/** Returns the legs that left no trace, by their index. A duplicate has the content of the row or exception that it repeats. */
export const readUntraced = async (
  sql: Sql,
  legs: readonly TopicLeg[],
  unknownToDeadLetters: boolean,
): Promise<Untraced[]> => {
  const text = (of: (leg: TopicLeg) => string | null) => textArray(legs.map(of))
  return sql<Untraced[]>`
    select (i.n - 1)::integer as index, o.id is not null as "orderExists",
           (select concat_ws(' ', f.side, f.ticker, trim_scale(f.quantity), 'at', trim_scale(f.price))
            from ingested_fills f where f.order_id = o.id and f.trade_id = i.trade_id) as recorded
    from unnest(
      ${text((l) => l.letterId)}::text[],
      ${text((l) => l.letterLeg)}::text[],
      ${text((l) => l.orderId)}::text[]::uuid[],
      ${text((l) => l.tradeId)}::text[],
      ${text((l) => l.side)}::text[],
      ${text((l) => l.ticker)}::text[],
      ${text((l) => formatAmount(l.quantity))}::text[]::numeric[],
      ${text((l) => formatAmount(l.price))}::text[]::numeric[],
      ${text((l) => (l.needsLetter ? 'true' : 'false'))}::text[]::boolean[]
    ) with ordinality as i (letter_id, letter_leg, order_id, trade_id, side, ticker, quantity, price, needs_letter, n)
    left join orders o on o.id = i.order_id
    where (o.id is not null or i.needs_letter or ${unknownToDeadLetters}::boolean)
      and not exists (
        select from verify_letters l where l.id = i.letter_id and (l.leg = '' or i.letter_leg is null or l.leg = i.letter_leg))
      and not exists (
        select from ingested_fills f
        where f.order_id = o.id and f.trade_id = i.trade_id and f.side = coalesce(i.side, o.side) and f.ticker = i.ticker
          and f.quantity = i.quantity and f.price = i.price)
      and not exists (
        select from exceptions e
        where e.order_id = o.id and e.trade_id = i.trade_id and e.side = coalesce(i.side, o.side) and e.ticker = i.ticker
          and e.quantity = i.quantity and e.price = i.price)
    order by i.n`
}
