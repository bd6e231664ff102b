// The driver derives the key of a login (SCRAM) from the password anew for each connection, on the thread that serves: 3.3 ms of it, for
// each of twenty connections at a start, and again whenever pools connect anew. A server gives a role the same salt until its password
// changes, so the key is the same as well, and is remembered, as libpq's `scram_client_key` would be. This changes the object
// that the driver takes its function from; whoever imports the function by its name, as the Kafka library does, has that of the runtime.

import crypto from 'node:crypto'

type Derive = typeof crypto.pbkdf2Sync

/** One role of one server, and more while passwords change. A server that sends a new salt each time takes no more memory than this. */
const rememberedMax = 16

const textOf = (bytes: Parameters<Derive>[0]): string =>
  typeof bytes === 'string' ? `text ${bytes}` : Buffer.from(bytes as Uint8Array).toString('hex')

/** The same derivation, which remembers its last results. Each caller has a copy of its own. */
export const remembering = (derive: Derive): Derive => {
  const remembered = new Map<string, Buffer>()
  return (password, salt, ...rest) => {
    const question = JSON.stringify([textOf(password), textOf(salt), ...rest])
    let key = remembered.get(question)
    if (key === undefined) {
      key = derive(password, salt, ...rest)
      if (remembered.size >= rememberedMax) remembered.delete(remembered.keys().next().value!)
      remembered.set(question, key)
    }
    return Buffer.from(key)
  }
}

crypto.pbkdf2Sync = remembering(crypto.pbkdf2Sync)
