// What this binary is. The build writes both values in; from source they are placeholders.

export const commit = process.env.ORDERS_COMMIT ?? 'source'
/** The same for every commit of a release: the version of the contracts. */
export const release = process.env.ORDERS_VERSION ?? '0.0.0-dev'
/** The licences of everybody whose work is in the binary; they have to go along with it. */
export const notices = process.env.ORDERS_NOTICES ?? 'Run from source: the packages in node_modules bring their own.'
export const version = `${release} (${commit})`
