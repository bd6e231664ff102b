// The session calendar from the configuration. The file of holidays is read again when it changes.

import { createExpiresAt, type ExpiresAt } from '../app/expiresAt.ts'
import type { Config } from '../config/config.ts'
import { parseHolidays, type Calendar } from '../domain/session.ts'
import { watchFile } from '../http/gates/auth/watchedFile.ts'
import { describe, type Log } from '../telemetry/log.ts'

type SessionSettings = Pick<
  Config,
  'SESSION_CLOSE' | 'SESSION_TIME_ZONE' | 'SESSION_DAYS' | 'SESSION_HOLIDAYS_FILE' | 'GTC_MAX_DAYS'
>

const calendarOf = (config: SessionSettings, log: Log): (() => Calendar) => {
  const rule = { close: config.SESSION_CLOSE, timeZone: config.SESSION_TIME_ZONE, days: config.SESSION_DAYS }
  const path = config.SESSION_HOLIDAYS_FILE
  if (path === '') {
    const calendar = { ...rule, holidays: new Map<string, null>() }
    return () => calendar
  }
  // One calendar for each content of the file, so that whoever keeps a close knows when it has changed.
  const parse = (text: string): Calendar => ({ ...rule, holidays: parseHolidays(text) })
  const file = watchFile({ path, setting: 'SESSION_HOLIDAYS_FILE', parse, log })
  return () => file.current()
}

/** `calendar`: as it is now. `expiresAt`: what fixes the end of an order. */
export type SessionRules = { calendar: () => Calendar; expiresAt: ExpiresAt }

/** The rules of the trading session; or the faults of the configuration: a file of holidays that cannot be used is one. */
export const sessionRulesOrFaults = (config: SessionSettings, log: Log): SessionRules | string[] => {
  try {
    const calendar = calendarOf(config, log)
    return { calendar, expiresAt: createExpiresAt({ calendar, gtcMaxDays: config.GTC_MAX_DAYS }) }
  } catch (error) {
    return [`SESSION_HOLIDAYS_FILE: the file cannot be used: ${describe(error).error}`]
  }
}
