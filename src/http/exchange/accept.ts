// What a client takes, by its headers Accept and Accept-Encoding.

/** The weight that an Accept header gives to a media type, or an Accept-Encoding header to a coding; 0 if the header does not name it. */
export const weightOf = (accept: string, type: string): number => {
  for (const range of accept.split(',')) {
    const [name, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    if (name !== type) continue
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    return weight === undefined ? 1 : Number(weight.slice(2)) || 0
  }
  return 0
}
