// Cancel-after, a dead man's switch: a row of cancel_after for each user that ever armed one. Arming and firing lock that row, so each deadline
// is either fired, once, or armed anew before. Firing writes a sweep (sweeps.ts) in the same statement. All times are the database's.

import type { Cause } from '../domain/history.ts'
import { isOver } from './formerClock.ts'
import { textArray, type Fragment, type Sql } from './sql.ts'

/**
 * `timeoutMs`: 0 disarms. `attempt`: this statement, as a UUID. `lost`: those made for the same request before, whose answers were lost, the newest
 * first: each may have run, or may run later.
 */
export type Arming = { userId: string; timeoutMs: number; cause: Cause; attempt: string; lost: readonly string[] }

/** `firesAt`: null while it is disarmed. `fired`: the deadline that stood before has fired. */
export type Switch = { userId: string; firesAt: Date | null; fired: boolean }

const reasonCode = 'CANCEL_AFTER'
/** Statements of a user that are known when they come late. A statement lives some seconds at most. */
const earlierMax = 16

const input = (sql: Sql, armings: readonly Arming[]): Fragment => {
  const text = (of: (arming: Arming) => string) => textArray(armings.map(of))
  return sql`
      select i.user_id::uuid as user_id, i.timeout_ms::integer as timeout_ms, i.cause::jsonb as cause, i.attempt::uuid as attempt, i.lost::uuid[] as lost
      from unnest(
        ${text((a) => a.userId)}::text[],
        ${text((a) => String(a.timeoutMs))}::text[],
        ${text((a) => JSON.stringify(a.cause))}::text[],
        ${text((a) => a.attempt)}::text[],
        ${text((a) => textArray(a.lost))}::text[]
      ) as i (user_id, timeout_ms, cause, attempt, lost)`
}

/**
 * Arms switches, or disarms them; of users that differ. A deadline that has passed cannot be put off any more: if no replica has fired it yet, this
 * statement does. Returns the switches by user. One that is absent was made by somebody else at this moment: arm it again. `skipLocked`: one that somebody
 * else has locked is passed by, and absent too.
 *
 * A deadline has passed if it lies before the statement, because then the statement's snapshot has every order that was committed before
 * it. The new deadline counts from the moment at which the row is locked.
 *
 * A statement whose connection was lost may run much later, when it was made again for its request, or another request came after that. It changes
 * nothing then, and is answered with what stands: else it would put off a deadline that was answered already.
 */
export const armSwitches = async (
  sql: Sql,
  armings: readonly Arming[],
  { skipLocked = false } = {},
): Promise<Map<string, Switch>> => {
  const firesAt = sql`case when j.timeout_ms > 0 then clock_timestamp() + j.timeout_ms * interval '1 millisecond' end`
  const rows = await sql<{ user_id: string; fires_at: Date | null; found_fired: boolean }[]>`
    with input as materialized (${input(sql, armings)}
    ), held as materialized (
      select c.user_id, c.fires_at, c.cause, c.attempt, c.earlier, c.fired, c.found_fired from cancel_after c
      where c.user_id = any (${textArray(armings.map(({ userId }) => userId))}::text[]::uuid[])
      order by c.user_id
      ${skipLocked ? sql`for update skip locked` : sql`for update`}
    ), passed as materialized (
      select c.user_id from cancel_after c
      where c.user_id = any (array(select i.user_id from input i where not (i.user_id in (select h.user_id from held h))))
    ), judged as materialized (
      select i.user_id, i.timeout_ms, i.cause, i.attempt, h.user_id is not null as is_known,
             coalesce(i.attempt = any (h.earlier), false) as is_late, h.fires_at as stands_at,
             coalesce(h.fires_at <= statement_timestamp(), false) as is_due, h.fires_at as due_at, h.cause as due_cause,
             case when h.user_id is null then i.lost else (i.lost || h.attempt || h.earlier)[1:${earlierMax}::integer] end as earlier,
             coalesce(h.fired or h.fires_at <= statement_timestamp() or (h.found_fired and h.attempt = any (i.lost)), false) as found_fired
      from input i left join held h on h.user_id = i.user_id
      where not (i.user_id in (select p.user_id from passed p))
    ), added as (
      insert into cancel_after (user_id, fires_at, cause, attempt, earlier)
      select j.user_id, ${firesAt}, j.cause, j.attempt, j.earlier from judged j where not j.is_known order by j.user_id
      on conflict do nothing
      returning user_id, fires_at, found_fired
    ), armed as (
      update cancel_after c
      set fires_at = ${firesAt}, cause = j.cause, attempt = j.attempt, earlier = j.earlier, fired = false, found_fired = j.found_fired
      from judged j where c.user_id = j.user_id and j.is_known and not j.is_late
      returning c.user_id, c.fires_at, c.found_fired
    ), begun as (
      insert into cancel_sweeps (user_id, reason_code, cause, snapshot, due_at)
      select user_id, ${reasonCode}, due_cause, pg_current_snapshot(), due_at from judged where is_due and not is_late
    )
    select user_id, fires_at, found_fired from added union all select user_id, fires_at, found_fired from armed
    union all select user_id, stands_at, false from judged where is_late`
  return new Map(
    rows.map((row) => [row.user_id, { userId: row.user_id, firesAt: row.fires_at, fired: row.found_fired }]),
  )
}

/**
 * What a look found. `lateMs`: of each switch that it fired, how long after its deadline its sweep began. `due`: whether deadlines have passed that it has not
 * fired, at most `limit` being fired at a time. `nextMs`: until the next deadline; null: none is armed. `open`: sweeps that are not done, counted up to a
 * bound; `oldestMs`: the age of the oldest; `isWaiting`: whether nobody works on one of them.
 */
export type Look = {
  lateMs: number[]
  due: boolean
  nextMs: number | null
  open: number
  oldestMs: number
  isWaiting: boolean
}

/** How far open sweeps are counted. */
const openCountedMax = 1_000

/**
 * Fires the switches whose deadline has passed, unless they are being armed at this moment: then whoever arms them fires them, or the next look. Writes a
 * sweep for each. It waits for nobody.
 */
export const fireDue = async (sql: Sql, limit: number): Promise<Look> => {
  const [row] = await sql<
    {
      late_ms: number[]
      passed: number
      next_ms: number | null
      open: number
      oldest_ms: number
      is_waiting: boolean
    }[]
  >`
    with due as materialized (
      select c.user_id, c.fires_at, c.cause from cancel_after c
      where c.fires_at <= statement_timestamp()
      order by c.fires_at
      limit ${limit}::integer
      for update skip locked
    ), fired as (
      update cancel_after c set fires_at = null, fired = true
      from due where c.user_id = due.user_id
      returning due.user_id, due.fires_at, due.cause
    ), begun as (
      insert into cancel_sweeps (user_id, reason_code, cause, snapshot, due_at)
      select user_id, ${reasonCode}, cause, pg_current_snapshot(), fires_at from fired
      returning extract(epoch from begun_at - due_at) * 1000 as late_ms
    ), sweeps as materialized (
      select s.begun_at, s.worked_until from cancel_sweeps s where s.done_at is null order by s.id limit ${openCountedMax}::integer
    )
    select coalesce((select json_agg(late_ms::float8) from begun), '[]') as late_ms,
           (select count(*)::integer from (select from cancel_after c where c.fires_at <= statement_timestamp() limit ${limit + 1}::integer) p) as passed,
           (select extract(epoch from c.fires_at - clock_timestamp())::float8 * 1000 from cancel_after c
            where c.fires_at > statement_timestamp() order by c.fires_at limit 1) as next_ms,
           (select count(*)::integer from sweeps) as open,
           (select coalesce(extract(epoch from statement_timestamp() - min(begun_at))::float8 * 1000, 0) from sweeps) as oldest_ms,
           exists (select from sweeps where worked_until is null or ${sql(isOver('worked_until'))}) as is_waiting`
  const { late_ms, passed, next_ms, open, oldest_ms, is_waiting } = row!
  return {
    lateMs: late_ms,
    due: passed > late_ms.length,
    nextMs: next_ms,
    open,
    oldestMs: oldest_ms,
    isWaiting: is_waiting || late_ms.length > 0,
  }
}
