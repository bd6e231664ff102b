/** Migrations are plain files, embedded in the binary as text. */
declare module '*.sql' {
  const text: string
  export default text
}
