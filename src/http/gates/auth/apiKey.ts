// An API key is `ok_<id>_<secret>`.

export type KeyParts = { id: string; secret: string }

const pattern = /^ok_([a-z0-9-]{1,40})_([A-Za-z0-9_-]{43})$/
export const keyIdPattern = /^[a-z0-9-]{1,40}$/
export const keyPrefix = 'ok_'

export const parseKey = (text: string): KeyParts | null => {
  const [, id, secret] = pattern.exec(text) ?? []
  return id === undefined || secret === undefined ? null : { id, secret }
}

export const keyText = ({ id, secret }: KeyParts): string => `${keyPrefix}${id}_${secret}`
