// The text of the statement that cancels the orders which requests of sessions of FIX mean.

import { noOlderOrder } from './keys.ts'
import { movedSessions } from './placeText.ts'
import { parameter, statementText } from './sqlText.ts'

/** `target`: the order that a request means, if it is of the user of the request. */
const input = (keysFilled: boolean) => statementText`
    with input as materialized (
      select t.*, coalesce(
          (select o.id from orders o where o.id = t.order_id::uuid and o.user_id = t.user_id::uuid),
          (select h.order_id from order_keys h where h.user_id = t.user_id::uuid and h.client_order_id = t.target_key)${
            keysFilled
              ? ''
              : `,
          (select older.id from orders older where older.user_id = t.user_id::uuid and older.client_order_id = t.target_key limit 1)`
          }
        ) as target
      from unnest(
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[]
      ) with ordinality as t (session, session_epoch, in_number, request, user_id, client_order_id, order_id, target_key, held_back,
                              reason_code, reason_text, cause, event_id, traceparent, ordinality)
    )`

/** The keys of the requests, and which request has which. */
const keyed = (keysFilled: boolean) => `keyed as (
      insert into order_keys (user_id, client_order_id, session)
      select i.user_id::uuid, i.client_order_id, i.session
      from lawful i
      where i.client_order_id is not null${keysFilled ? '' : ` and ${noOlderOrder}`}
      order by i.user_id, i.client_order_id, i.ordinality
      on conflict do nothing
      returning user_id, client_order_id
    ), first_of_key as materialized (
      select distinct on (i.user_id, i.client_order_id) i.session, i.in_number
      from lawful i join keyed k on k.user_id = i.user_id::uuid and k.client_order_id = i.client_order_id
      order by i.user_id, i.client_order_id, i.ordinality
    )`

/** The orders under their locks. */
type Holding = {
  parts: string | TemplateStringsArray
  /** Why a request waits for its answer that is neither held back nor has canceled anything. */
  reason: string
  result: string
}

/** Orders are locked in ascending id, as by every other move. */
const waiting: Holding = {
  parts: `held as materialized (
      select o.id, o.status from orders o
      where o.id = any (array(select target from cancels))
      order by o.id
      for update
    )`,
  reason: `'NOT_CANCELED'`,
  result: '',
}

/**
 * Some orders (null: all) are passed by if somebody else has them locked. They are locked after all those that it waits for, so that it has none of
 * them while it waits.
 */
const passingBy: Holding = {
  parts: statementText`passable as materialized (
      select c.target from cancels c where (c.target = any (${parameter}::text[]::uuid[])) is not false
    ), awaited as materialized (
      select o.id, o.status from orders o
      where o.id = any (array(select target from cancels except select target from passable))
      order by o.id
      for update
    ), unlocked as materialized (
      select o.id, o.status from orders o
      where o.id = any (array(select target from passable)) and (select count(*) from awaited) >= 0
      order by o.id
      for update skip locked
    ), held as (
      select id, status from awaited union all select id, status from unlocked
    ), passed as materialized (
      select target from passable except select id from unlocked
    )`,
  reason: `case when i.target in (select target from passed) then 'LOCKED' else 'NOT_CANCELED' end`,
  result: `
    union all
    select null, target::text from passed`,
}

/** Of two requests for one order the first one has it. */
const canceled = ({ parts, reason }: Holding) => statementText`cancels as materialized (
      select distinct on (i.target) i.*
      from lawful i join first_of_key k on k.session = i.session and k.in_number = i.in_number
      where i.target is not null and i.held_back is null
      order by i.target, i.ordinality
    ), ${parts}, canceled as (
      update orders o
      set status = 'CANCELED', updated_at = greatest(o.updated_at, ${parameter}::timestamptz), version = o.version + 1,
          reason_code = c.reason_code, reason_text = c.reason_text
      from held h join cancels c on c.target = h.id and h.status = any (${parameter}::text[])
      where o.id = h.id
      returning o.id, o.version, o.status, o.updated_at, o.reason_code, o.reason_text, o.filled_quantity, o.filled_notional, o.last_fill_price,
                o.ticker, o.stop_price, o.triggered_at, c.cause, c.event_id, c.traceparent, c.ordinality, c.session, c.in_number
    ), logged as (
      insert into order_changes (order_id, version, kind, at, reason_code, reason_text, cause, filled_quantity, filled_notional, last_fill_price)
      select id, version, status, updated_at, reason_code, reason_text, cause::jsonb, filled_quantity, filled_notional, last_fill_price
      from canceled order by id
    ), appended as (
      insert into outbox (event_id, kind, order_id, ticker, occurred_at, traceparent, filled_quantity, reason_code, reason_text)
      select event_id::uuid, 'CANCELLED', id, ticker, updated_at, traceparent, filled_quantity, reason_code, reason_text
      from canceled
      where stop_price is null or triggered_at is not null
      order by ordinality
    ), due as (
      insert into fix_due (session, series, in_number, reason, request, at)
      select i.session, m.series, i.in_number::bigint,
             case when k.session is null and i.client_order_id is not null then 'KNOWN_KEY' else coalesce(i.held_back, ${reason}) end, i.request::jsonb, ${parameter}::timestamptz
      from lawful i
      join moved m on m.id = i.session
      left join first_of_key k on k.session = i.session and k.in_number = i.in_number
      left join canceled c on c.session = i.session and c.in_number = i.in_number
      where c.session is null
    )`

const textOf = (
  keysFilled: boolean,
  holding: Holding,
) => statementText`${input(keysFilled)}, ${movedSessions}, ${keyed(keysFilled)}, ${canceled(holding)}
    select true as moved, id from moved
    union all
    select false, session || ' ' || in_number from canceled${holding.result}`

const textsOf = (holding: Holding) => ({ filled: textOf(true, holding), unfilled: textOf(false, holding) })
const texts = { waiting: textsOf(waiting), passingBy: textsOf(passingBy) }

/** `keysFilled`: the keys of older orders are in order_keys too. `passesBy`: it has a parameter more, the orders that it may pass by. */
export const cancelText = ({ keysFilled, passesBy }: { keysFilled: boolean; passesBy: boolean }) =>
  texts[passesBy ? 'passingBy' : 'waiting'][keysFilled ? 'filled' : 'unfilled']
