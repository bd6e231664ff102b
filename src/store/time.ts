// Times of Postgres with their microseconds, which a Date would lose.

/** `2026-01-02T03:04:05.678000Z`, as to_char writes it here, with milliseconds only if that loses nothing. */
export const isoFromSql = (text: string): string => text.replace(/000Z$/, 'Z')
