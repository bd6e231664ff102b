// Part of the independent oracle: instants of ISO-8601.

const instantShape = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** The milliseconds since 1970 of an instant with its zone, later digits cut; null for any other text. */
export const instantOf = (text: string): number | null => {
  const parts = instantShape.exec(text)
  if (parts === null) return null
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  const [zoneHour, zoneMinute] = [Number(parts[9] ?? 0), Number(parts[10] ?? 0)]
  if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1]!) return null
  if (hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59) return null
  const offsetMinutes = (parts[8] === '-' ? -1 : 1) * (zoneHour * 60 + zoneMinute)
  const ms = Number((parts[7] ?? '').padEnd(3, '0').slice(0, 3))
  return Date.UTC(year, month - 1, day, hour, minute - offsetMinutes, second, ms)
}
