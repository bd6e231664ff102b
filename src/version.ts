// What this binary is. The build writes both values in; from source they are placeholders.

export const commit = process.env.ORDERS_COMMIT ?? 'source'
/** The same for every commit of a release: the version of the contracts. */
export const release = process.env.ORDERS_VERSION ?? '0.0.0-dev'
export const version = `${release} (${commit})`
