// The use cases of exceptions. They are for administrators only.

import type { ExceptionList } from '../store/exceptionList.ts'
import { tradeExceptions, type ExceptionFilter, type TradeException } from '../store/exceptions.ts'
import { reportExceptions, type ReportExceptionFilter, type StoredReportException } from '../store/reportExceptions.ts'
import type { Database } from '../store/sql.ts'
import type { Audit } from './audit.ts'
import type { BatchRefusal } from './batcher.ts'
import type { Batchers } from './batchers.ts'
import { forbidden, isAdmin, type Call, type Forbidden } from './caller.ts'
import { pageOf, type Page } from './page.ts'
import type { ResolveCommand, ResolveResult } from './resolve.ts'

export type ExceptionUseCases = {
  /** Positions are ids of exceptions. */
  exceptions: (
    call: Call,
    filter: ExceptionFilter,
    limit: number,
  ) => Promise<({ ok: true } & Page<TradeException, string>) | Forbidden | BatchRefusal>
  resolve: (call: Call, command: ResolveCommand) => Promise<ResolveResult | Forbidden | BatchRefusal>
  /** The same for the exceptions of reports. */
  reportExceptions: (
    call: Call,
    filter: ReportExceptionFilter,
    limit: number,
  ) => Promise<({ ok: true } & Page<StoredReportException, string>) | Forbidden | BatchRefusal>
  resolveReport: (
    call: Call,
    command: ResolveCommand,
  ) => Promise<ResolveResult<StoredReportException> | Forbidden | BatchRefusal>
}

type ExceptionParts = {
  batchers: Pick<Batchers, 'pages' | 'resolves' | 'reportResolves'>
  /** The pool from which lists are read. */
  lists: Database
  audit: Audit
}

export const createExceptions = ({ batchers, lists, audit }: ExceptionParts): ExceptionUseCases => {
  const pagesOf =
    <Exception extends { id: string }, Filter>(list: ExceptionList<Exception, Filter>) =>
    async ({ caller }: Call, filter: Filter, limit: number) => {
      if (!isAdmin(caller)) return forbidden
      return batchers.pages.submit(async () => {
        const exceptions = await lists.run((sql) => list.read(sql, filter, limit + 1))
        return { ok: true as const, ...pageOf(exceptions, limit, ({ id }) => id) }
      })
    }
  return {
    exceptions: pagesOf(tradeExceptions),
    async resolve(call, command) {
      if (!isAdmin(call.caller)) return forbidden
      audit(call, { operation: 'resolveException', exceptionId: command.id })
      return batchers.resolves.submit(command)
    },
    reportExceptions: pagesOf(reportExceptions),
    async resolveReport(call, command) {
      if (!isAdmin(call.caller)) return forbidden
      audit(call, { operation: 'resolveReportException', exceptionId: command.id })
      return batchers.reportResolves.submit(command)
    },
  }
}
