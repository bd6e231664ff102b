// The errors of a statement, as the driver reports them: a SQLSTATE, or the code of a broken connection.

export class StatementError extends Error {
  override name = 'StatementError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export const refuse = (condition: boolean, code: string, message: string): void => {
  if (condition) throw new StatementError(code, message)
}

export const sqlState = {
  uniqueViolation: '23505',
  notNullViolation: '23502',
  foreignKeyViolation: '23503',
  checkViolation: '23514',
  characterNotInRepertoire: '22021',
  numericOverflow: '22003',
  divisionByZero: '22012',
  deadlock: '40P01',
  lockTimeout: '55P03',
  statementTimeout: '57014',
  adminShutdown: '57P01',
} as const
