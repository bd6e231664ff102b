// What this binary is. The build writes both values in; from source they are placeholders.

export const commit = process.env.ORDERS_COMMIT ?? 'source'
export const version = `${process.env.ORDERS_VERSION ?? '0.0.0-dev'} (${commit})`
