/** Style sheets, bundled into one. */
declare module '*.css'
