// The style sheet of the handbook's pages.

export const handbookStyles = `:root {
  color-scheme: light dark;
  --ink: #1f2328; --soft: #59636e; --ground: #fff; --tint: #f6f8fa; --line: #d1d9e0; --link: #0a58ca; --bar: #1b1f24;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --soft: #9da7b3; --ground: #14171b; --tint: #1f242b; --line: #3a424c; --link: #7cb8ff; --bar: #0b0d10 }
}
* { box-sizing: border-box }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; font: 16px/1.6 system-ui, sans-serif; color: var(--ink); background: var(--ground) }
a { color: var(--link); text-decoration: none }
a:hover, a:focus-visible, :is(p, li, td) a { text-decoration: underline; text-underline-offset: .15em }
nav li a:not(:hover, :focus-visible), .contents a:not(:hover, :focus-visible) { text-decoration: none }
body > header { background: var(--bar); padding: .6rem 1.25rem; font-weight: 600 }
body > header a { color: #fff }
nav { padding: .6rem 1.25rem; border-bottom: 1px solid var(--line); font-size: 14px }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .15rem .9rem }
nav a[aria-current] { color: var(--ink); font-weight: 600 }
main { padding: 1rem 1.25rem 5rem; max-width: 66rem; min-width: 0; overflow-wrap: break-word }
h1, h2, h3, h4 { line-height: 1.25; margin: 2.2em 0 .6em }
h1 { font-size: 1.9rem; margin-top: .6em }
h1:not(:first-of-type) { border-top: 3px solid var(--line); padding-top: 1em; margin-top: 2em }
h2 { font-size: 1.4rem; border-bottom: 1px solid var(--line); padding-bottom: .25em }
h3 { font-size: 1.15rem }
.anchor { color: var(--soft); font-weight: 400; opacity: 0; padding-left: .2em }
:is(h1, h2, h3, h4):hover .anchor, .anchor:focus { opacity: 1 }
:target { background: var(--tint); box-shadow: 0 0 0 .4rem var(--tint) }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .875em }
code { background: var(--tint); border-radius: 4px; padding: .1em .3em }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem; overflow-x: auto; line-height: 1.5 }
pre code { background: none; padding: 0; font-size: inherit }
.table { overflow-x: auto; margin: 1rem 0; border: 1px solid var(--line); border-radius: 6px }
table { border-collapse: collapse; width: 100%; font-size: .925em; overflow-wrap: normal }
th, td { text-align: left; vertical-align: top; padding: .45rem .7rem; border-bottom: 1px solid var(--line) }
tr:last-child td { border-bottom: 0 }
th, thead td { background: var(--tint) }
td code { overflow-wrap: anywhere }
td:first-child code { overflow-wrap: normal }
table:has(th:nth-child(3)) { min-width: 38rem }
.contents { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .9rem; font-size: 15px }
.contents summary { cursor: pointer; color: var(--soft) }
.contents ul { margin: .5rem 0 .3rem; padding-left: 1.2rem; columns: 18rem }
@media (min-width: 64rem) {
  body { display: grid; grid-template: auto 1fr / 17rem minmax(0, 1fr) }
  body > header { grid-column: 1 / -1 }
  nav { border-bottom: 0; border-right: 1px solid var(--line); padding: 1.5rem 1.25rem; font-size: 15px }
  nav ul { display: block; position: sticky; top: 1.5rem }
  nav li { margin: .35rem 0 }
  main { padding: 1rem 3rem 5rem }
}
@media print { nav, body > header, .contents, .anchor { display: none } }
`
