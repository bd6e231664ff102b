/** Files of the docs page, embedded in the binary: the import is the path that they have there. */
declare module 'swagger-ui-dist/*' {
  const path: string
  export default path
}
