// What this program is. The build writes the values in (src/build/build.ts); run from source they are read from the checkout.

import { readCommit, readVersion } from './checkout.ts'

export const commit = process.env.ORDERS_COMMIT || readCommit()
/** The same for every commit on the way to a release: the version of the contracts, such as `1.2.0`. */
export const release = process.env.ORDERS_VERSION ?? readVersion()
/** The licences of everybody whose work is in the binary; it must be shipped with them. */
export const notices = process.env.ORDERS_NOTICES ?? 'Run from source: the packages in node_modules bring their own.'
/** A binary's is `1.2.0 (0123456789ab)`; from source it is `1.2.0-dev+0123456789ab`, because that release is still to come. */
export const version = process.env.ORDERS_VERSION === undefined ? `${release}-dev+${commit}` : `${release} (${commit})`
