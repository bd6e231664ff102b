/** Style sheets, bundled into one. */
declare module '*.css'
/** The rules of the alerts, read while the page is bundled. */
declare module '*.yaml' {
  const text: string
  export default text
}
