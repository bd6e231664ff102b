// The text of the statement that places orders. The orders of HTTP leave out what only other doors have; those of a session of FIX are stored
// in one statement with the number of the message that brought them.

import { gate, gateIsPassed } from './gate.ts'
import { noOlderOrder } from './keys.ts'
import { parameter, statementText } from './sqlText.ts'
import { termColumns, termParameters, termValues } from './terms.ts'

type Text = string | TemplateStringsArray

/** What a door adds to the statement. */
type Additions = {
  /** Parameters of the input, and their columns. */
  parameters: Text
  inputs: string
  /** Columns of orders, and their values. */
  columns: string
  values: string
  /** Parts before the keys. `lawful`: the input that may be stored, `storable`: of which this holds. */
  before: string
  lawful: string
  storable: string
  after: string
  result: string
}

const ofHttp: Additions = {
  parameters: '',
  inputs: '',
  columns: '',
  values: '',
  before: '',
  lawful: 'input',
  storable: '',
  after: '',
  result: 'select gate.epoch, placed.id from gate left join placed on true',
}

const ofDoor: Additions = {
  ...ofHttp,
  parameters: statementText`,
        ${parameter}::text[]`,
  inputs: ' origin,',
  columns: ', origin',
  values: ', origin',
}

/**
 * The parts that move the numbers of sessions; of the set `input` with session, session_epoch and in_number. A session is moved by the
 * span of its numbers in this input, if it is still of that epoch and expects the first of them. Sessions are locked in order.
 */
export const movedSessions = `spans as materialized (
      select session, min(session_epoch::bigint) as epoch, min(in_number::bigint) as first, max(in_number::bigint) + 1 as next
      from input group by session
    ), sessions as materialized (
      select s.id, s.epoch, s.next_in from fix_sessions s
      where s.id = any (array(select session from spans))
      order by s.id
      for update
    ), moved as (
      update fix_sessions s
      set next_in = n.next
      from sessions h join spans n on n.session = h.id and n.epoch = h.epoch and n.first = h.next_in
      where s.id = h.id
      returning s.id, s.series
    ), lawful as materialized (
      select * from input where session = any (array(select id from moved))
    )`

const ofFix: Additions = {
  parameters: statementText`,
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[]`,
  inputs: ' origin, session, session_epoch, in_number, held_back, request,',
  columns: ', origin',
  values: ', origin',
  before: ` ${movedSessions},`,
  lawful: 'lawful',
  storable: ' held_back is null and',
  after: `, due as (
      insert into fix_due (session, series, in_number, reason, request, at)
      select i.session, m.series, i.in_number::bigint, coalesce(i.held_back, 'KNOWN_KEY'), i.request::jsonb, i.created_at
      from lawful i join moved m on m.id = i.session
      where not (i.id in (select id from placed))
    )`,
  result: `select gate.epoch, r.moved, r.id
    from gate left join (select true as moved, id from moved union all select false, id::text from placed) r on true`,
}

/**
 * `keysFilled`: the keys of older orders are in order_keys too. `fresh`: see InsertOptions; Postgres need not look for a row in the
 * way before it inserts one, nor mark each as tentative and then as meant.
 *
 * Rows are looked up in a set (`in`, which Postgres hashes because it is not the whole condition), not in an array that it would walk along.
 */
const textOf = (additions: Additions, { keysFilled, fresh }: { keysFilled: boolean; fresh: boolean }) => statementText`
    with ${gate}, input as materialized (
      select *, nextval('log_position') as position from unnest(
        ${parameter}::text::uuid[],
        ${termParameters},
        ${parameter}::text::timestamptz[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text::uuid[],
        ${parameter}::text[]${additions.parameters}
      ) with ordinality as t (id, ${termColumns()}, created_at, request_id, subject, reason_code, reason_text, event_id, traceparent,${additions.inputs} ordinality)
      where ${gateIsPassed}
    ),${additions.before} keyed as (
      insert into order_keys (user_id, client_order_id, order_id)
      select i.user_id, i.client_order_id, i.id
      from ${additions.lawful} i
      where${additions.storable} i.client_order_id is not null${keysFilled ? '' : ` and ${noOlderOrder}`}
      order by i.user_id, i.client_order_id, i.id
      on conflict do nothing
      returning order_id
    ), placed as (
      insert into orders (id, ${termColumns()}, status, reason_code, reason_text, created_at, updated_at, request_id, subject, position, rules_epoch${additions.columns})
      select id, ${termValues}, case when reason_code is null then 'NEW' else 'REJECTED' end, reason_code, reason_text,
             created_at, created_at, request_id, subject, position, (select epoch from gate)${additions.values}
      from ${additions.lawful}
      where${additions.storable} (client_order_id is null or id in (select order_id from keyed))
      order by id${fresh ? '' : ' on conflict do nothing'}
      returning id
    ), appended as (
      insert into outbox (event_id, kind, order_id, ticker, occurred_at, traceparent)
      select i.event_id, 'PLACED', i.id, i.ticker, i.created_at, i.traceparent
      from input i
      where i.reason_code is null and i.stop_price is null and (i.id in (select id from placed)) is true
      order by i.ordinality
    )${additions.after}
    ${additions.result}`

const textsOf = (additions: Additions) => ({
  fresh: textOf(additions, { keysFilled: true, fresh: true }),
  filled: textOf(additions, { keysFilled: true, fresh: false }),
  unfilled: textOf(additions, { keysFilled: false, fresh: false }),
})
const texts = { http: textsOf(ofHttp), door: textsOf(ofDoor), fix: textsOf(ofFix) }

/** Which text: for orders of HTTP only, for those of other doors too, or for those of sessions of FIX. */
type PlaceForm = keyof typeof texts

/** The statement. While keys of older orders are being filled in, their index may refuse an order, so `fresh` counts only afterwards. */
export const placeText = (form: PlaceForm, { keysFilled, fresh = false }: { keysFilled: boolean; fresh?: boolean }) =>
  texts[form][keysFilled ? (fresh ? 'fresh' : 'filled') : 'unfilled']
